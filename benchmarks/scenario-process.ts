/**
 * The process of one scenario and size: measures it and sends the rows to the process that started it.
 *
 * Usage: node --expose-gc scenario-process.js NAME SIZE full|short
 */
import { FULL, type Scenario, SHORT } from './scenario.js';

const [name, size, effort] = process.argv.slice(2);
const { scenario } = (await import(`./scenarios/${name}.js`)) as { readonly scenario: Scenario };
const rows = await scenario.measure(Number(size), effort === 'short' ? SHORT : FULL);
if (process.send === undefined) console.log(JSON.stringify(rows, undefined, 1));
else process.send(rows);
