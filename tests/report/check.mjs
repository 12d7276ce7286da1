// Opens a report in Chromium as a reader would, on a phone and on a desk, light and dark.
//
//   node check.mjs PAGE.html SCREENSHOT_FOLDER
//
// Exit code 1 and a message for each thing that is wrong. playwright-core comes from NODE_PATH or a
// node_modules beside; Chromium from the environment's CHROMIUM, else /usr/bin/chromium.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

// `require` and not `import`: only the former looks into NODE_PATH.
const { chromium } = createRequire(import.meta.url)("playwright-core");

const [file, folder] = process.argv.slice(2);
if (!file || !folder) {
  console.error("usage: node check.mjs PAGE.html SCREENSHOT_FOLDER");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const address = pathToFileURL(resolve(file)).href;
const SIZES = [
  { name: "phone", viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true },
  { name: "desk", viewport: { width: 1440, height: 900 } },
];
const problems = [];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  headless: true,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  for (const size of SIZES) for (const colorScheme of ["light", "dark"]) await look(size, colorScheme);
} finally {
  await browser.close();
}
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${basename(file)}: nothing wrong`);

async function look({ name, ...device }, colorScheme) {
  const where = `${basename(file)}, ${name}, ${colorScheme}`;
  const fail = (text) => problems.push(`${where}: ${text}`);
  const context = await browser.newContext({ ...device, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) fail(`console: ${message.text()}`); });
  page.on("pageerror", (error) => fail(`error in the page: ${error.message}`));
  page.on("dialog", (dialog) => { fail(`a dialog opened: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url() !== address && !request.url().startsWith("data:")) fail(`asks for ${request.url()}`); });
  const shot = (what, options) => page.screenshot({ path: join(folder, `${basename(file, ".html")}-${name}-${colorScheme}${what}.png`), ...options });
  try {
    await page.goto(address);
    await page.waitForSelector("h1");
    await page.waitForTimeout(300);
    if (!(await page.textContent("h1")).trim()) fail("no title");
    const theme = await page.evaluate(() => document.documentElement.dataset.theme);
    if (theme !== colorScheme) fail(`is ${theme}`);
    await layout(page, fail);
    await shot("", { fullPage: true });
    const data = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent));
    const archs = new Set(data.runs.flatMap((run) => run.architectures.arch));
    for (let i = 0; i < (await page.locator(".front").count()); i += 1) {
      await point(page, i, device.hasTouch, archs, fail, () => shot(i ? `-point-${i}` : "-point"));
      await legend(page, i, fail);
      await keys(page, i, fail);
    }
    await table(page, fail);
    await choices(page, fail);
    await layout(page, fail);
    await theming(page, fail);
    if (name === "desk" && colorScheme === "dark") await page.pdf({ path: join(folder, `${basename(file, ".html")}.pdf`), format: "A4" });
    await page.waitForTimeout(100);
  } catch (error) {
    fail(`the check stopped: ${error.message}`);
  }
  await context.close();
}

/** No horizontal scrolling, and no two texts on top of each other. */
async function layout(page, fail) {
  const { wide, overlaps } = await page.evaluate(() => {
    scrollTo(0, 0);
    document.querySelectorAll(".box, .card").forEach((box) => box.scrollTo(0, 0));
    const clips = new Map();
    // The part of the window that an element can be seen through.
    const clip = (element) => {
      if (!element || element === document.documentElement || element === document.body) return { left: -1e6, top: -1e6, right: 1e6, bottom: 1e6 };
      if (clips.has(element)) return clips.get(element);
      const style = getComputedStyle(element), around = style.position === "fixed" ? clip(null) : clip(element.parentElement);
      let seen = around;
      if (style.overflowX !== "visible" || style.overflowY !== "visible") {
        const box = element.getBoundingClientRect();
        seen = { left: Math.max(around.left, box.left), top: Math.max(around.top, box.top), right: Math.min(around.right, box.right), bottom: Math.min(around.bottom, box.bottom) };
      }
      clips.set(element, seen);
      return seen;
    };
    const texts = [], walker = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      // A tooltip and a sheet lie over the page by design.
      if (!node.data.trim() || parent.closest("script, option, title, .hidden-text, .tip, textarea") || !parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const range = document.createRange(), seen = clip(parent), card = parent.closest(".card");
      if (card && getComputedStyle(card).position === "fixed") continue;
      range.selectNodeContents(node);
      for (const box of range.getClientRects()) {
        const part = { left: Math.max(box.left, seen.left), top: Math.max(box.top, seen.top), right: Math.min(box.right, seen.right), bottom: Math.min(box.bottom, seen.bottom), node, parent };
        if (part.right - part.left > 1 && part.bottom - part.top > 1) texts.push(part);
      }
    }
    texts.sort((a, b) => a.top - b.top);
    const overlaps = [];
    for (let i = 0; i < texts.length; i += 1) {
      for (let j = i + 1; j < texts.length && texts[j].top < texts[i].bottom - 2; j += 1) {
        const [a, b] = [texts[i], texts[j]];
        if (a.node === b.node) continue;
        // Lines of text touch: boxes are higher than letters.
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top), across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        if (across > 2 && high > 4) overlaps.push(`"${a.node.data.slice(0, 40)}" and "${b.node.data.slice(0, 40)}"`);
      }
    }
    return { wide: document.documentElement.scrollWidth, overlaps };
  });
  // Not innerWidth: a phone's grows with what is too wide.
  const { width } = page.viewportSize();
  if (wide > width) fail(`scrolls sideways: ${wide} of ${width} pixels`);
  for (const pair of overlaps.slice(0, 5)) fail(`texts overlap: ${pair}`);
}

/** Places of points on the screen, those of the front first. */
async function places(page, panel) {
  await page.locator(".front .chart").nth(panel).scrollIntoViewIfNeeded();
  // In the middle of the window, clear of a sheet.
  await page.evaluate((i) => { const box = document.querySelectorAll(".front .chart")[i].getBoundingClientRect(); scrollBy(0, box.top - 40); }, panel);
  await page.waitForTimeout(100);
  return page.evaluate((i) => {
    const host = document.querySelectorAll(".front .chart")[i], chart = echarts.getInstanceByDom(host), box = host.getBoundingClientRect();
    const series = chart.getOption().series.filter(({ type }) => type === "scatter");
    series.sort((a, b) => b.id.startsWith("front") - a.id.startsWith("front"));
    return series.flatMap(({ data }) => data).map((item) => item.value ?? item).filter((value) => value.length === 4)
      .map((value) => chart.convertToPixel("grid", value.slice(0, 2)))
      .filter(([x, y]) => chart.containPixel("grid", [x, y])).map(([x, y]) => [box.left + x, box.top + y]).slice(0, 40);
  }, panel);
}

/** Hovering shows a tooltip and the architecture; a click or a tap keeps it. */
async function point(page, panel, touch, archs, fail, shot) {
  const found = await places(page, panel), card = page.locator(".front .card").nth(panel);
  if (!found.length) return fail(`panel ${panel} has no point in its view`);
  let good = false;
  for (const [x, y] of found) {
    if (touch) await page.touchscreen.tap(x, y);
    else {
      await page.mouse.move(x - 3, y - 3);
      await page.mouse.move(x, y);
    }
    await page.waitForTimeout(120);
    const tip = touch ? card : page.locator(".front .chart").nth(panel).locator(".tip");
    if ((await tip.count()) && (await tip.isVisible()) && /\d/.test(await tip.textContent())) { good = true; break; }
  }
  if (!good) return fail(touch ? `panel ${panel}: no tap opens the sheet` : `panel ${panel}: no point has a tooltip`);
  if (!touch) {
    const told = await page.locator(".front .chart").nth(panel).locator(".tip b").allTextContents(), card_text = await card.textContent();
    for (const value of told) if (!card_text.includes(value)) fail(`the tooltip says ${value}, the card does not`);
    await shot();
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForTimeout(100);
  } else await shot();
  if (!(await card.evaluate((element) => element.classList.contains("pinned")))) fail("a click does not keep the card");
  const text = await card.locator(".text-form code").textContent();
  if (!archs.has(text)) fail(`the card shows no architecture of the data: ${text.slice(0, 80)}`);
  if (!(await card.locator(".drawing").count())) fail("the card has no drawing");
  const images = await page.locator("#page img, #page script, #page iframe").count();
  if (images) fail("an element came out of the data");
  await card.locator("[aria-label='Clear the selection']").click();
  if (await card.evaluate((element) => element.classList.contains("pinned"))) fail("the card cannot be let go of");
  if (!touch) await page.mouse.move(2, 2);
}

/** Entries of the legend hide and show their series. */
async function legend(page, panel, fail) {
  const buttons = page.locator(".front").nth(panel).locator(".legend button:visible");
  for (let i = 0; i < Math.min(4, await buttons.count()); i += 1) {
    const hidden = () => page.evaluate((at) => Object.values(echarts.getInstanceByDom(document.querySelectorAll(".front .chart")[at]).getOption().legend[0].selected).filter((shown) => !shown).length, panel);
    const before = await hidden();
    await buttons.nth(i).click();
    if ((await buttons.nth(i).getAttribute("aria-pressed")) !== "false" || (await hidden()) !== before + 1) fail(`entry ${i} of the legend hides nothing`);
    await buttons.nth(i).click();
    if ((await buttons.nth(i).getAttribute("aria-pressed")) !== "true" || (await hidden()) !== before) fail(`entry ${i} of the legend does not come back`);
  }
}

/** The front can be walked by keyboard. */
async function keys(page, panel, fail) {
  const card = page.locator(".front .card").nth(panel);
  await page.locator(".front .chart").nth(panel).focus();
  await page.keyboard.press("ArrowRight");
  if (!(await card.evaluate((element) => element.classList.contains("pinned")))) fail("an arrow key shows nothing");
  await page.keyboard.press("Escape");
  if (await card.evaluate((element) => element.classList.contains("pinned"))) fail("Escape does not let go");
}

/** The table sorts, and a row shows its architecture. */
async function table(page, fail) {
  const rows = page.locator(".front-table tbody tr");
  if (!(await rows.count())) return;
  const sort = page.locator(".front-table th button").nth(1);
  await sort.click();
  const values = (await page.locator(".front-table tbody tr td:nth-child(2)").allTextContents()).map((text) => Number(text.replace(/\u202f/g, "").replace("−", "-"))).filter(Number.isFinite);
  if (values.some((value, i) => i && value < values[i - 1])) fail("the table does not sort");
  const title = await rows.first().locator("td.arch .cut").getAttribute("title");
  await rows.first().locator("td").nth(1).click();
  const card = page.locator(".front .card.pinned");
  if ((await card.count()) !== 1 || (await card.locator(".text-form code").textContent()) !== title) fail("a row does not show its architecture");
  else await card.locator("[aria-label='Clear the selection']").click();
}

/** Each choice of each select, each toggle twice, each fold: none may raise an error. */
async function choices(page, fail) {
  for (const select of await page.locator("select:visible").all()) {
    const before = await select.inputValue();
    for (const value of await select.locator("option").evaluateAll((options) => options.map((option) => option.value))) await select.selectOption(value);
    await select.selectOption(before);
  }
  for (const button of await page.locator("button.toggle:visible").all()) {
    const before = await button.getAttribute("aria-pressed");
    await button.click();
    if ((await button.getAttribute("aria-pressed")) === before) fail("a toggle does nothing");
    await button.click();
  }
  for (const name of ["Zoom in", "Zoom out"]) for (const button of await page.locator(`button[aria-label='${name}']:visible`).all()) await button.click();
  for (const fold of await page.locator("summary:visible").all()) await fold.click();
  for (const tab of await page.locator("[role=tab]:visible").all()) {
    await tab.click();
    if ((await tab.getAttribute("aria-selected")) !== "true") fail("a tab is not chosen by a click");
  }
}

/** The button changes the colours and back. */
async function theming(page, fail) {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const button = page.locator("header button"), before = await theme();
  await button.click();
  if ((await theme()) === before) fail("the colours do not change");
  await button.click();
  if ((await theme()) !== before) fail("the colours do not change back");
}
