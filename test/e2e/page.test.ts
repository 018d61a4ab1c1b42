// The page in a real browser, against a real agent. SCREENSHOTS=DIR keeps what it looked like.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { waitUntil } from "../wait-until.ts";
import { type ColouredText, coloursOfTexts, contrast, luminance } from "./contrast.ts";
import { Machine } from "./machine.ts";
import { manifest } from "./manifest.ts";

let machine: Machine;
let browser: Browser;
let url: string;

beforeAll(async () => {
  machine = await Machine.create({ flags: [`--listen=http://127.0.0.1:${await freePort()}`] });
  await machine.write("web.yaml", manifest("web", { image: machine.image }));
  await machine.startAgent();
  url = /address=(http:\/\/127\.0\.0\.1:\d+)/.exec(machine.log)?.[1] ?? "";
  await machine.waitForReady("web");
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});

/** The agent has it again when it is started anew. */
async function freePort(): Promise<number> {
  await using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  return server.port ?? 0;
}

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

test("a redraw takes neither the focus nor the place in the log", async () => {
  const script = "for i in $(seq 100); do echo line $i; done; trap 'exit 0' TERM; while :; do sleep 1; done";
  await machine.write("long.yaml", manifest("long", { image: machine.image, scripts: { main: script } }));
  await machine.waitForReady("long");
  await using it = await open("#/pods/default/long-node");
  const lines = it.page.locator("#lines");
  await waitUntil("all lines", async () => (await lines.textContent())?.includes("line 100"));
  const shown = it.page.locator("#pods-count");
  const state = () =>
    it.page.evaluate("[document.activeElement.id, document.getElementById('lines').scrollTop]");
  for (const [id, scrollTop] of [
    ["lines", 100],
    ["container", 200],
  ] as const) {
    await it.page.locator(`#${id}`).focus();
    await it.page.evaluate(`document.getElementById("lines").scrollTop = ${scrollTop}`);
    const before = await shown.textContent();
    await machine.write(`${id}.yaml`, manifest(id, { image: machine.image }));
    await waitUntil("a redraw", async () => (await shown.textContent()) !== before);
    expect(await state()).toEqual([id, scrollTop]);
  }
  for (const name of ["lines.yaml", "container.yaml", "long.yaml"]) await machine.remove(name);
});

test("of a loud pod's log the last lines are kept, and no more", async () => {
  const script = "trap 'exit 0' TERM; i=1; while :; do seq $i $((i + 499)); i=$((i + 500)); sleep 0.1; done";
  await machine.write("loud.yaml", manifest("loud", { image: machine.image, scripts: { main: script } }));
  await machine.waitForReady("loud");
  await using it = await open("#/pods/default/loud-node");
  const shown = async () =>
    (
      (await it.page
        .locator("#lines")
        .textContent()
        .catch(() => "")) ?? ""
    )
      .trim()
      .split("\n");
  await waitUntil("a line", async () => Number((await shown()).at(-1)) > 0);
  const first = Number((await shown())[0]);
  await waitUntil("far more than are kept", async () => Number((await shown()).at(-1)) > first + 8000);
  const kept = await shown();
  expect(kept.length).toBeGreaterThanOrEqual(2000);
  expect(kept.length).toBeLessThanOrEqual(4001);
  await machine.remove("loud.yaml");
});

/** The number that the shown log has last counted to. */
async function lastTick(page: Page): Promise<number> {
  return Number(/tick (\d+)\s*$/.exec((await page.locator("#lines").textContent()) ?? "")?.[1]);
}

test("a page that is not looked at holds no connection, and goes on when it is", async () => {
  await using it = await open("#/pods/default/web-node");
  await waitUntil("a line", async () => (await lastTick(it.page)) > 0);
  const ended: string[] = [];
  const note = (request: { url(): string }) => ended.push(new URL(request.url()).pathname);
  it.page.on("requestfailed", note).on("requestfinished", note);
  const look = (isHidden: boolean) =>
    it.page.evaluate(`
      Object.defineProperty(document, "hidden", { configurable: true, value: ${isHidden} });
      document.dispatchEvent(new Event("visibilitychange"));
    `);
  await look(true);
  await waitUntil("the end of each", () =>
    ["/pods", "/events", "/pods/default/web-node/logs"].every((path) => ended.includes(path)),
  );
  const before = await lastTick(it.page);
  await machine.write("hidden.yaml", manifest("hidden", { image: machine.image }));
  await machine.waitForReady("hidden");
  await look(false);
  await waitUntil("another line", async () => (await lastTick(it.page)) > before);
  await it.page.evaluate("location.hash = '#/pods'");
  await it.page.getByRole("link", { name: "hidden-node" }).waitFor();
  await machine.remove("hidden.yaml");
});

test("a log goes on after the agent was started anew", async () => {
  const page = await browser.newPage(); // its console tells of the connection that is refused meanwhile
  await page.goto(`${url}/#/pods/default/web-node`);
  await waitUntil("a line", async () => (await lastTick(page)) > 0);
  const before = await lastTick(page);
  await machine.stopAgent();
  await page.getByText("no connection to the agent").waitFor();
  await machine.startAgent();
  await waitUntil("more lines", async () => (await lastTick(page)) > before + 1);
  await page.close();
});

test("a broken edit is shown with its place, and as text only", async () => {
  await machine.write(
    "web.yaml",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containerz: ['<img src=x onerror=alert(1)>']}\n",
  );
  await using it = await open("#/manifests");
  await it.page.getByText(/web\.yaml:4:\d+: .*containerz/).waitFor();
  expect(await it.page.locator("img").count()).toBe(0);
  const problem = it.page.locator(".problem", { has: it.page.getByText(/web\.yaml:4:\d+: .*containerz/) });
  expect(await problem.locator("pre").textContent()).toContain("    3  metadata: {name: web}\n");
  expect(await problem.locator("mark").allTextContents()).toEqual([
    "    4  spec: {containerz: ['<img src=x onerror=alert(1)>']}\n",
  ]);
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

test("what was smuggled into it does not run, and nobody else is asked", async () => {
  let foreign = 0;
  await using other = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      foreign++;
      return new Response("stolen", { headers: { "Access-Control-Allow-Origin": "*" } });
    },
  });
  const page = await browser.newPage();
  await page.goto(url);
  const outcome = await page.evaluate(`(async () => {
    const refused = [];
    addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "self.smuggled = true";
    document.head.append(script);
    document.body.insertAdjacentHTML("beforeend", '<a id="trap" onclick="self.smuggled = true">x</a>');
    document.getElementById("trap").click();
    const answer = await fetch(${JSON.stringify(String(other.url))}).then((it) => it.text(), () => "refused");
    const own = await fetch("/healthz").then((it) => it.text());
    return { refused: refused.sort(), smuggled: self.smuggled, answer, own };
  })()`);
  await page.close();
  expect(outcome).toEqual({
    refused: ["connect-src", "script-src-attr", "script-src-elem"],
    smuggled: undefined,
    answer: "refused",
    own: "ok\n",
  });
  expect(foreign).toBe(0);
});

test("it is light or dark as the browser is, and can be read in both", async () => {
  await machine.write("broken.yaml", "kind: Pod\n");
  const grounds: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    for (const hash of ["", "#/pods/default/web-node", "#/events", "#/manifests"]) {
      await using it = await open(hash, { colorScheme });
      await it.page
        .locator(hash === "#/manifests" ? "mark" : "main table")
        .first()
        .waitFor();
      const texts = (await it.page.evaluate(coloursOfTexts)) as readonly ColouredText[];
      expect(texts.length).toBeGreaterThan(10);
      for (const { text, ink, ground } of texts) {
        const isReadable = contrast(ink, ground) >= 4.5; // WCAG 2.2, 1.4.3
        expect({ colorScheme, hash, text, ink, ground, isReadable }).toMatchObject({ isReadable: true });
      }
      grounds.push(String(await it.page.evaluate("getComputedStyle(document.body).backgroundColor")));
      await screenshot(it.page, `${colorScheme}${hash.replaceAll("/", "-")}`);
    }
  }
  const [light = "", dark = ""] = new Set(grounds);
  expect(new Set(grounds).size).toBe(2);
  expect(luminance(light)).toBeGreaterThan(0.8);
  expect(luminance(dark)).toBeLessThan(0.05);
  await machine.remove("broken.yaml");
});

test("curl gets a table", async () => {
  const answer = await fetch(url, { headers: { Accept: "*/*" } });
  expect(answer.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(await answer.text()).toContain("NAMESPACE");
});
