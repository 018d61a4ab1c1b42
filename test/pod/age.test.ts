import { expect, test } from "bun:test";
import { formatAge } from "../../src/pod/age.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test.each([
  [-5 * second, "0s"],
  [999, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [9 * minute + 59 * second, "9m59s"],
  [10 * minute + 30 * second, "10m"],
  [179 * minute, "179m"],
  [3 * hour + 7 * minute, "3h7m"],
  [8 * hour + 59 * minute, "8h"],
  [47 * hour, "47h"],
  [2 * day, "2d"],
  [7 * day + 23 * hour, "7d23h"],
  [8 * day + 23 * hour, "8d"],
  [729 * day, "729d"],
  [730 * day, "2y"],
  [800 * day, "2y70d"],
  [9 * 365 * day + day, "9y"],
])("%d ms is %s", (ms, text) => {
  expect(formatAge(ms)).toBe(text);
});
