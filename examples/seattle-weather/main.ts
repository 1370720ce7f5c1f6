import { fileURLToPath } from 'node:url';
import { AsyncLocalRuntime, formatRun, LocalRuntime, type RunEvent } from 'lockstep';
import { setUp } from 'lockstep/python';
import { writeReport } from 'lockstep/report';
import { differences } from './compare.js';
import { killAndResume } from './durable.js';
import { showProgress } from './progress.js';
import { environment, workers } from './python.js';
import { seattleWeather } from './workflow.js';

const file = fileURLToPath(new URL('../data/seattle-weather.csv', import.meta.resolve('vega-datasets')));

function runLocally() {
  using runtime = new LocalRuntime({ plugins: [workers()] });
  const done = showProgress(runtime, 'LocalRuntime', process.stdout);
  const events: RunEvent[] = [];
  const run = runtime.execute(seattleWeather, { file }, { onEvent: (event) => events.push(event) });
  done();
  return { run, events };
}

async function runAsynchronously() {
  await using runtime = new AsyncLocalRuntime({ plugins: [workers()] });
  const done = showProgress(runtime, 'AsyncLocalRuntime', process.stdout);
  const events: RunEvent[] = [];
  const run = await runtime.execute(seattleWeather, { file }, { onEvent: (event) => events.push(event) });
  done();
  return { run, events };
}

// Runtimes would make it themselves, and say so in their logs.
await setUp(environment, (line) => console.log(line));
const local = runLocally();
console.log(`\nIn LocalRuntime\n${formatRun(local.run)}\n`);
const asynchronous = await runAsynchronously();
console.log(`\nIn AsyncLocalRuntime\n${formatRun(asynchronous.run)}\n`);
console.log(`${local.run.unwrap().text}\n`);

const page = writeReport(asynchronous.run, { file: '.lockstep/seattle-weather.html', events: asynchronous.events });
console.log(`The report of the last run is ${page}: open it in a browser.\n`);

const resumed = killAndResume(file, asynchronous.run);
console.log(`${resumed.text}\n`);

const found = differences(local, asynchronous);
if (!resumed.same) found.push('The run that was killed and resumed came to something else.');
if (found.length > 0) {
  console.error(`The runs differ:\n${found.join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(
    'The two runtimes agree: output, statuses, reasons, attempts, cycles, canonical log. So does the run that was killed.',
  );
}
