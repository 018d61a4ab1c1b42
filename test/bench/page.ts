// How soon a browser shows what has happened.

import { kill } from "node:process";
import { chromium } from "playwright-core";
import type { Machine } from "../e2e/machine.ts";
import { pidOf } from "./bench-pod.ts";
import { wallMs } from "./journal-line.ts";
import { repeat } from "./rounds.ts";

/** Milliseconds from the death of a pod's app, each time another's, to the page's telling of it. */
export async function onThePage(machine: Machine, url: string): Promise<readonly number[]> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    return await repeat(10, async (round) => {
      const name = `pod-${round}`;
      await page.getByRole("link", { name: `${name}-node`, exact: true }).waitFor();
      const pid = await pidOf(await machine.waitForReady(name));
      await page.evaluate(watch(`${name}-node`));
      const diedMs = wallMs();
      kill(pid, "SIGKILL");
      return Number(await page.evaluate("self.shown")) - diedMs;
    });
  } finally {
    await browser.close();
  }
}

/** `self.shown` becomes, later, the time at which anything but the age changes in the pod's row. */
function watch(name: string): string {
  return `(() => {
    const row = () => [...document.querySelectorAll("tr")].find((each) => each.querySelector("a")?.textContent === "${name}");
    const text = () => [...row().cells].filter((cell) => !cell.querySelector("time")).map((cell) => cell.textContent).join();
    const before = text();
    self.shown = new Promise((resolve) => {
      const look = () => {
        if (text() === before) return;
        observer.disconnect();
        resolve(performance.timeOrigin + performance.now());
      };
      const observer = new MutationObserver(look);
      observer.observe(document, { subtree: true, childList: true, characterData: true });
    });
  })()`;
}
