// The page in a real browser, against a real agent. SCREENSHOTS=DIR keeps what it looked like.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { waitUntil } from "../wait-until.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

let machine: Machine;
let browser: Browser;
let url: string;

beforeAll(async () => {
  machine = await Machine.create({ flags: ["--listen=http://127.0.0.1:0"] });
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.startAgent();
  url = /address=(http:\/\/127\.0\.0\.1:\d+)/.exec(machine.log)?.[1] ?? "";
  await machine.waitForReady("web");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});

afterAll(async () => {
  await browser?.close();
  await machine?.[Symbol.asyncDispose]();
});

/** A page whose errors fail the test: a refused script, an exception, a request to anywhere else. */
async function open(hash: string, options: Parameters<Browser["newPage"]>[0] = {}) {
  const page = await browser.newPage(options);
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("data:")) faults.push(request.url());
  });
  await page.goto(`${url}/${hash}`);
  return {
    page,
    async [Symbol.asyncDispose]() {
      await page.close();
      expect(faults).toEqual([]);
    },
  };
}

async function screenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory !== undefined) await page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });
}

test("pods are listed with their state, and a change is there without a reload", async () => {
  await using it = await open("");
  await it.page.getByRole("link", { name: "web-node" }).waitFor();
  expect(await it.page.locator(".state").first().textContent()).toBe("Running");
  await machine.write("second.yaml", manifest("second", { image: machine.image }));
  await it.page.getByRole("link", { name: "second-node" }).waitFor();
  await screenshot(it.page, "pods");
});

test("a pod's detail follows its log", async () => {
  await using it = await open("#/pods/default/web-node");
  const lines = it.page.locator("#lines");
  await waitUntil("a line", async () => (await lines.textContent())?.includes("tick"));
  const before = (await lines.textContent())?.length ?? 0;
  await waitUntil("another line", async () => ((await lines.textContent())?.length ?? 0) > before);
  expect(await it.page.getByRole("table", { name: "Containers" }).textContent()).toContain("main");
  await it.page.getByRole("table", { name: "Events" }).getByText("Started").first().waitFor();
  await screenshot(it.page, "pod");
});

test("a broken edit is shown with its place, and as text only", async () => {
  await machine.write(
    "web.yaml",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containerz: ['<img src=x onerror=alert(1)>']}\n",
  );
  await using it = await open("#/manifests");
  await it.page.getByText(/web\.yaml:4:\d+: .*containerz/).waitFor();
  expect(await it.page.locator("img").count()).toBe(0);
  expect(await it.page.locator("#manifests-count").textContent()).toBe("1 rejected");
  await screenshot(it.page, "manifests");
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await waitUntil(
    "the page to tell",
    async () => (await it.page.locator("#manifests-count").textContent()) === "",
  );
});

test("a pod that crashes says why, down to what it wrote last", async () => {
  const script = "echo no such database >&2; exit 3";
  await machine.write("crash.yaml", manifest("crash", { image: machine.image, scripts: { main: script } }));
  await using it = await open("#/pods/default/crash-node");
  await it.page.getByRole("heading", { name: /CrashLoopBackOff/ }).waitFor();
  await it.page.getByRole("list", { name: "Why" }).getByText("no such database").waitFor();
  const lines = it.page.locator("#lines");
  await waitUntil("the lines of more than one start", async () =>
    (await lines.textContent())?.includes("no such database\nno such database"),
  );
  await screenshot(it.page, "crash");
});

test("the keyboard goes everywhere, and at the width of a telephone nothing is cut off", async () => {
  await using it = await open("", { viewport: { width: 360, height: 640 }, colorScheme: "dark" });
  await it.page.getByRole("link", { name: "web-node" }).waitFor();
  for (let tries = 0; tries < 20; tries++) {
    await it.page.keyboard.press("Tab");
    if ((await it.page.locator(":focus").textContent())?.startsWith("web-node")) break;
  }
  await it.page.keyboard.press("Enter");
  await it.page.getByRole("heading", { name: /default\/web-node/ }).waitFor();
  const overflow = await it.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  expect(overflow).toBe(0);
  await screenshot(it.page, "telephone");
});

test("curl gets a table", async () => {
  const answer = await fetch(url, { headers: { Accept: "*/*" } });
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(await answer.text()).toContain("NAMESPACE");
});
