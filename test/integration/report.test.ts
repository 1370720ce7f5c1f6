import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { writeReport } from '../../src/report/index.js';
import { graphOfPlan } from '../../src/report/workflow-graph.js';
import { answered, charges, failing, family, hostileChildren } from '../support/report-children.js';
import { eventful, hostile, large, MARKUP, type Recorded, recorded, turning } from '../support/report-runs.js';

const CHROMIUM = '/usr/bin/chromium';

/** A report in a browser, with everything it complained about and asked the network for. */
interface Opened {
  readonly page: Page;
  readonly complaints: string[];
  readonly requests: string[];
}

describe('the report page, in Chromium', function () {
  this.timeout(60_000);
  let browser: Browser | undefined;
  let folder = '';
  const opened: Opened[] = [];

  before(async function () {
    if (!existsSync(CHROMIUM)) {
      console.log(`      skipped: there is no ${CHROMIUM}; with CI=true that counts as a failure`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'lockstep-report-'));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser?.close();
    if (folder !== '') rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    for (const { page, complaints, requests } of opened.splice(0)) {
      expect(complaints).to.deep.equal([]);
      // The file itself, and nothing else.
      expect(requests).to.deep.equal([page.url().replace(/#.*$/, '')]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).to.equal(true);
      await page.close();
    }
  });

  async function open(build: Parameters<typeof recorded>[0], viewport = { width: 1280, height: 900 }): Promise<Page> {
    return show(await recorded(build), viewport);
  }

  async function show({ run, events }: Recorded, viewport = { width: 1280, height: 900 }): Promise<Page> {
    const file = writeReport(run, { file: join(folder, `${opened.length}.html`), events });
    const page = await (browser as Browser).newPage({ viewport, reducedMotion: 'reduce', colorScheme: 'light' });
    const one: Opened = { page, complaints: [], requests: [] };
    opened.push(one);
    page.on('console', (message) => one.complaints.push(message.text()));
    page.on('pageerror', (error) => one.complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) one.requests.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  const node = (page: Page, id: string) => page.locator('.node').filter({ has: page.getByText(id, { exact: true }) });

  it('draws every node, edge and box once, and says first why the run failed', async () => {
    const page = await open(eventful);
    const { run } = await recorded(eventful);
    const names = await page.locator('.node .name').allTextContents();
    expect(names).to.deep.equal([...run.nodes.keys()]);
    expect(await page.locator('.graph .edge').count()).to.equal(graphOfPlan(run.plan).edges.length);
    expect(await page.locator('.graph .cycle').count()).to.equal(2);
    expect(await page.locator('.primary').innerText()).to.match(/Failed at\s+post-to-ledger\s+LEDGER_CLOSED/);
    expect(await page.locator('.chip').allInnerTexts()).to.deep.equal([
      '2 failed',
      '2 blocked',
      '2 skipped',
      '12 completed',
    ]);
    expect(await page.title()).to.equal('nightly-settlement: failed');
    expect(await page.locator('html').getAttribute('lang')).to.equal('en');
    const untaken = await page.locator('.node.is-skipped .name').allTextContents();
    expect(untaken).to.deep.equal(['settle-one-by-one', 'check-single']);
  });

  it('says why a node did not run, under the pointer and under the focus', async () => {
    const page = await open(eventful);
    const tooltip = page.locator('#tooltip');
    await node(page, 'settle-one-by-one').hover();
    await tooltip.waitFor();
    expect(await tooltip.innerText()).to.contain('the branch was not taken');
    await page.mouse.move(5, 5);
    await tooltip.waitFor({ state: 'hidden' });
    await page.locator('.node[tabindex="0"]').focus();
    await page.keyboard.press('ArrowDown');
    await tooltip.waitFor();
    expect(await tooltip.innerText()).to.contain('clean');
    await node(page, 'print-receipts').focus();
    await tooltip.getByText('what it depends on failed').waitFor();
  });

  it('says nothing of a node that the focus has left before the drawing moved', async () => {
    const page = await open(eventful);
    const left = (leave: boolean): string => `new Promise((resolve) => {
      const node = document.querySelector('.node[tabindex="0"]');
      node.focus();
      if (${leave}) node.blur();
      let frames = 4;
      const wait = () => (frames-- === 0 ? resolve(document.querySelector('#tooltip').hidden) : requestAnimationFrame(wait));
      wait();
    })`;
    expect(await page.evaluate(left(true))).to.equal(true);
    expect(await page.evaluate(left(false))).to.equal(false);
  });

  it('shows details by keyboard alone, goes to neighbours, and gives the focus back', async () => {
    const page = await open(eventful);
    const details = page.locator('#details');
    await node(page, 'post-to-ledger').focus();
    await page.keyboard.press('Enter');
    await details.waitFor();
    const text = await details.innerText();
    expect(text).to.match(/LEDGER_CLOSED[\s\S]*caused by[\s\S]*LOCK_HELD/);
    await details.getByRole('button', { name: 'fetch-rates' }).focus();
    await page.keyboard.press('Enter');
    await details.getByRole('heading', { name: 'fetch-rates' }).waitFor();
    expect(await details.locator('tbody tr').count()).to.equal(3);
    await page.keyboard.press('Escape');
    await details.waitFor({ state: 'hidden' });
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).to.equal('fetch-rates, completed');
  });

  it('finds nodes, filters by status, and forgets both', async () => {
    const page = await open(eventful);
    const rows = page.locator('#nodes .rows .table-row');
    expect(await rows.count()).to.be.at.least(10);
    await page.keyboard.press('/');
    await page.keyboard.type('ledger');
    // The node, and those whose reason or error names it.
    expect(await page.locator('.node.hit .name').allTextContents()).to.deep.equal([
      'post-to-ledger',
      'print-receipts',
      'archive',
    ]);
    expect(await rows.count()).to.equal(3);
    expect(await page.locator('.hits').innerText()).to.equal('3');
    const heading = page.locator('#details h2');
    for (const hit of ['post-to-ledger', 'print-receipts', 'archive', 'post-to-ledger']) {
      await page.keyboard.press('Enter');
      expect(await heading.innerText()).to.equal(hit);
    }
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    expect(await page.locator('.node.hit').count()).to.equal(0);
    await page.locator('.chip[data-status="failed"]').click();
    expect(await rows.locator('.name .link').allTextContents()).to.deep.equal(['notify-desk', 'post-to-ledger']);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Attempts', exact: true }).click();
    expect(await rows.first().locator('.name .link').textContent()).to.equal('fetch-rates');
    expect(await page.locator('[aria-sort="ascending"]').textContent()).to.equal('Attempts');
  });

  it('switches theme, critical path and help by key', async () => {
    const page = await open(eventful);
    const ground = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const light = await ground();
    await page.keyboard.press('t');
    expect(await ground()).to.not.equal(light);
    await page.keyboard.press('t');
    expect(await ground()).to.equal(light);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.keyboard.press('c');
    expect(await page.locator('.graph.show-path').count()).to.equal(1);
    expect(await page.locator('.node.on-path .name').allTextContents()).to.include.members([
      'fetch-rates',
      'balance',
      'statistics',
    ]);
    expect(await page.locator('#timeline .path-mark').count()).to.be.at.least(5);
    expect(await page.locator('.path-line li').allInnerTexts()).to.deep.equal([
      'fetch-rates',
      'guess-price',
      'open-books',
      'balance',
      'adjust-price',
      'total',
      'statistics',
    ]);
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    expect(await page.locator('dialog[open]').count()).to.equal(0);
  });

  it('moves and scales the graph by drag, wheel and keys', async () => {
    const page = await open(eventful);
    const transform = async (): Promise<string> => {
      await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
      return (await page.locator('.graph > g').getAttribute('transform')) ?? '';
    };
    const fitted = await transform();
    const { x, y, width, height } = (await page.locator('.graph').boundingBox()) as {
      x: number;
      y: number;
      width: number;
      height: number;
    };
    await page.mouse.move(x + 30, y + height / 3);
    await page.mouse.wheel(0, -300);
    expect(await transform()).to.equal(fitted);
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -300);
    await page.keyboard.up('Control');
    const zoomed = await transform();
    expect(zoomed).to.not.equal(fitted);
    await page.mouse.move(x + 20, y + height / 3);
    await page.mouse.down();
    await page.mouse.move(x + width / 3, y + height / 2, { steps: 4 });
    await page.mouse.up();
    expect(await transform()).to.not.equal(zoomed);
    await page.keyboard.press('0');
    expect(await transform()).to.equal(fitted);
    await page.keyboard.press('+');
    expect(await transform()).to.not.equal(fitted);
  });

  it('shows every attempt in the timeline, and the metric of a cycle', async () => {
    const page = await open(turning);
    const lanes = page.locator('#timeline .rows .lane-name');
    expect(await lanes.allInnerTexts()).to.deep.equal(['seed', '↻loop', 'halve', 'look', 'done']);
    const bars = page.locator('#timeline .lane').filter({ hasText: 'halve' }).locator('.bar.is-completed');
    expect((await bars.getAttribute('d'))?.match(/M/g)).to.have.length(3);
    await page.locator('#timeline .lane').filter({ hasText: 'look' }).locator('.bars').click();
    expect(await page.locator('#details h2').innerText()).to.equal('look');
    expect(await page.locator('.cycle-card .badge').innerText()).to.equal('converged');
    expect(await page.locator('.curve').getAttribute('aria-label')).to.equal(
      'Metric of loop: from 8 to 2 over 3 iterations, linear scale.',
    );
  });

  it('shows hostile names, errors and warnings as text', async () => {
    const page = await open(hostile);
    const names = page.locator('#nodes .name .link');
    expect(await names.first().textContent()).to.equal(`first ${MARKUP}`);
    await names.nth(2).click();
    const details = page.locator('#details');
    await details.waitFor();
    expect(await details.innerText()).to.contain(MARKUP);
    await page.locator('.node').nth(2).hover();
    expect(await page.locator('#problems').innerText())
      .to.contain(MARKUP)
      .and.to.contain('not-converged');
    expect(await page.locator('img').count()).to.equal(0);
    expect(await page.evaluate('window.hacked')).to.equal(undefined);
  });

  it('draws a thousand nodes, keeps few rows, and goes on moving', async () => {
    const page = await open(large(1000));
    expect(await page.locator('.node').count()).to.equal(1000);
    expect(await page.locator('#nodes .rows .table-row').count()).to.be.below(60);
    expect(await page.locator('#timeline .rows .lane').count()).to.be.below(60);
    await page.locator('#nodes .table').evaluate((element) => element.scrollTo(0, 20_000));
    await page.locator('#nodes .rows').getByText('step-600', { exact: true }).waitFor();
    const { x, y } = (await page.locator('.graph').boundingBox()) as { x: number; y: number };
    const before = await page.locator('.graph > g').getAttribute('transform');
    await page.mouse.move(x + 300, y + 300);
    await page.mouse.down();
    await page.mouse.move(x + 100, y + 100, { steps: 10 });
    await page.mouse.up();
    await page.waitForFunction(`document.querySelector('.graph > g').getAttribute('transform') !== '${before}'`);
    await page.keyboard.press('/');
    await page.keyboard.type('step-777');
    // The node, and what it blocked.
    expect(await page.locator('.node.hit .name').first().textContent()).to.equal('step-777');
    expect(await page.locator('.node.faint').count()).to.be.above(990);
  });

  it('opens a subworkflow by keyboard and by double click, goes between its visits, and back to it', async () => {
    const page = await open(family);
    const names = page.locator('.node .name');
    const way = page.getByRole('navigation', { name: 'Place in the run' });
    await node(page, 'settle').focus();
    await page.keyboard.press('Enter');
    expect(await names.allTextContents()).to.deep.equal(['half', 'check']);
    expect(await way.locator('li').allInnerTexts()).to.deep.equal(['family', 'settle']);
    expect(await way.locator('.beside').innerText()).to.contain('visit 2 of 2');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).to.equal('half, completed');
    await way.getByRole('button', { name: 'Previous visit' }).click();
    await node(page, 'check').click();
    expect(await page.locator('#details').innerText()).to.match(
      /check[\s\S]*In\s+settle\s[\s\S]*6\.0 ms after the start/,
    );
    await page.keyboard.press('Escape');
    await page.keyboard.press('Backspace');
    expect(await names.allTextContents()).to.include('seed');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).to.contain('settle, subworkflow');
    // Where the machine is busy, the two clicks may lie too far apart for the browser: they are two single ones then.
    for (let tries = 0; tries < 5 && (await names.first().textContent()) === 'seed'; tries++)
      await node(page, 'settle').dblclick();
    expect(await names.allTextContents()).to.deep.equal(['half', 'check']);
    await way.getByRole('button', { name: 'family' }).click();
    expect(await way.isHidden()).to.equal(true);
    await node(page, 'settle').click();
    await page.getByRole('button', { name: 'Open graph of visit 1' }).click();
    expect(await way.locator('.beside').innerText()).to.contain('visit 1 of 2');
  });

  it('shows the items of a map as cells, and opens one to its graph', async () => {
    const page = await open(charges(300));
    await node(page, 'charge').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.item-counts li').allInnerTexts()).to.deep.equal(['7 failed', '293 completed']);
    expect((await page.locator('.cell-of.is-failed').getAttribute('d'))?.match(/M/g)).to.have.length(7);
    const failed = page.locator('.item-rows').first();
    expect(await failed.locator('li').first().innerText()).to.match(/\[40\]\s+CARD_DECLINED: card 40 was declined/);
    expect(await page.locator('.item-rows').nth(1).locator('li').count()).to.equal(10);
    const cells = page.locator('.cells');
    expect(await cells.getAttribute('aria-valuetext')).to.equal('item 40, failed, CARD_DECLINED');
    await page.keyboard.press('ArrowRight');
    expect(await cells.getAttribute('aria-valuetext')).to.equal('item 41, completed');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    // The body of the map only calls a subworkflow: its graph is shown at once.
    expect(await page.locator('.node .name').allTextContents()).to.deep.equal(['load-account', 'call-bank', 'book']);
    const way = page.getByRole('navigation', { name: 'Place in the run' });
    expect(await way.locator('li').allInnerTexts()).to.deep.equal(['billing', 'charge', '[299]', 'charge-card']);
    await way.getByRole('button', { name: 'Previous item' }).click();
    expect(await way.locator('li').nth(2).innerText()).to.equal('[298]');
    await way.getByRole('button', { name: 'charge', exact: true }).click();
    expect(await cells.getAttribute('aria-valuenow')).to.equal('298');
    await page.getByRole('button', { name: 'Open item 81' }).click();
    expect(await page.locator('.node.is-failed .name').textContent()).to.equal('call-bank');
  });

  it('goes to what a search or a link finds, wherever it is', async () => {
    const page = await open(failing);
    expect(await page.locator('.primary').innerText()).to.match(
      /Failed at\s+sub\/each\[1\]\/step\s+TOO_MUCH Error\s+20 is too much\s+and with it sub\/each, sub/,
    );
    expect(await page.locator('#problems li').count()).to.equal(1);
    await page.locator('.primary .link').first().click();
    expect(await page.locator('.breadcrumb li').allInnerTexts()).to.deep.equal(['outer', 'sub', 'each', '[1]']);
    expect(await page.locator('.node.selected .name').textContent()).to.equal('step');
    for (const _ of [1, 2]) await page.keyboard.press('Backspace');
    expect(await page.locator('.node .name').allTextContents()).to.deep.equal(['each']);
    await page.keyboard.press('/');
    await page.keyboard.type('too_much');
    expect(await page.locator('.node.faint').count()).to.equal(0);
    expect(await page.locator('#nodes .rows .name .link').allTextContents()).to.include('sub/each[1]/step');
    await page.locator('#scope').selectOption('the top level');
    expect(await page.locator('#nodes .rows .name .link').allTextContents()).to.deep.equal(['sub']);
    await page.locator('#search').fill('');
    await page.locator('#scope').selectOption('inside sub › each');
    expect(await page.locator('#nodes .rows .name .link').allTextContents()).to.deep.equal([
      'sub/each[0]/step',
      'sub/each[1]/step',
      'sub/each[2]/step',
    ]);
  });

  it('announces a waiting run with its gates, and shows nothing of what they show', async () => {
    const { waiting, resumed } = await answered();
    const page = await show(waiting);
    const banner = page.locator('.primary.is-waiting');
    expect(await banner.innerText()).to.match(
      /The run waits for 2 gates\s+since .*2024.*\s+review[\s\S]*never times out[\s\S]*legal\/sign/,
    );
    expect(await page.locator('.primary').count()).to.equal(1);
    await banner.getByRole('button', { name: 'legal/sign' }).click();
    expect(await page.locator('.breadcrumb li').allInnerTexts()).to.deep.equal(['contract', 'legal']);
    expect(await page.locator('#details').innerText()).to.match(
      /gate\s+sign[\s\S]*waits for an answer[\s\S]*Times out/,
    );
    const after = await show(resumed);
    expect(await after.locator('.primary').count()).to.equal(0);
    expect(await after.locator('#timeline .section-head .note').innerText()).to.contain('1 h 1 min in all');
    await node(after, 'review').click();
    expect(await after.locator('#details').innerText()).to.match(/Answer\s+approved[\s\S]*Waited\s+1 h 0 min/);
    for (const one of [page, after]) expect(await one.content()).to.not.match(/PAYLOAD|ANSWER/);
  });

  it('opens the lanes of children below their owner', async () => {
    const page = await open(family);
    const lanes = page.locator('#timeline .rows .lane-name');
    const closed = ['seed', '↻loop', 'settle', 'list', 'all', 'done'];
    expect(await lanes.allInnerTexts()).to.deep.equal(closed);
    await page.getByRole('button', { name: 'Show what is inside settle' }).click();
    await page.getByRole('button', { name: 'Show what is inside all' }).click();
    expect(await lanes.allInnerTexts()).to.deep.equal([
      ...['seed', '↻loop', 'settle', 'half', 'check', 'list', 'all', '[0]', '[1]', '[2]', 'done'],
    ]);
    const bars = page.locator('#timeline .lane').filter({ hasText: 'half' }).locator('.bar.is-completed');
    expect((await bars.getAttribute('d'))?.match(/M/g)).to.have.length(2);
    await page.getByRole('button', { name: 'all', exact: true }).and(page.locator('.lane-name')).press('ArrowLeft');
    expect(await lanes.allInnerTexts()).to.not.include('[1]');
  });

  it('stays quick with a thousand items', async () => {
    const page = await open(charges(1000));
    await node(page, 'charge').focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.cells > *').count()).to.be.below(10);
    await page.getByRole('button', { name: 'Show what is inside charge' }).click();
    expect(await page.locator('#timeline .rows .lane').count()).to.be.below(60);
    expect(await page.locator('#nodes .rows .table-row').count()).to.be.below(60);
    expect(await page.locator('#nodes .note').first().innerText()).to.contain('4,003 nodes');
    await page.keyboard.press('/');
    await page.keyboard.type('charge[777]');
    expect(await page.locator('#nodes .rows .name .link').allTextContents()).to.have.length(4);
  });

  it('shows hostile names of children as text', async () => {
    const page = await open(hostileChildren);
    await page.locator('.node.opens').last().focus();
    await page.keyboard.press('Enter');
    await page.locator('.node').first().click();
    expect(await page.locator('#details').innerText()).to.contain(MARKUP);
    await page.keyboard.press('Backspace');
    await page.locator('.node.opens').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.breadcrumb').innerText()).to.contain('onerror');
    expect(await page.locator('img').count()).to.equal(0);
    expect(await page.evaluate('window.hacked')).to.equal(undefined);
  });

  it('fits into a narrow window', async () => {
    const page = await open(eventful, { width: 380, height: 800 });
    await page.locator('#nodes .name .link').first().click();
    await page.locator('#details').waitFor();
    expect((await page.locator('#details').boundingBox())?.width).to.be.at.most(380);
    const items = await open(charges(300), { width: 380, height: 800 });
    await node(items, 'charge').focus();
    await items.keyboard.press('Enter');
    expect((await items.locator('.items').boundingBox())?.width).to.be.at.most(380);
  });
});
