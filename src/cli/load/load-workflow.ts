import { extname } from 'node:path';
import { didYouMean } from '../../base/did-you-mean.js';
import { ConfigurationError } from '../../base/errors.js';
import { Workflow } from '../../base/workflow.js';
import { parseJson } from '../json-text.js';
import { readText } from './files.js';
import { type Exports, importModule } from './import-module.js';

/** Where a workflow comes from. */
export interface WorkflowSource {
  /** A module or a document. */
  readonly file: string;
  /** Which workflow of a module: the name of its export, or its own. */
  readonly workflow: string | undefined;
  /** The name of the workflow that is taken where nothing else is said and the module has one of it. */
  readonly preferred?: string;
  /** The module that holds what a document refers to by name. */
  readonly registry: string | undefined;
}

const MODULES = ['.js', '.mjs', '.cjs', '.ts', '.mts'];
const DOCUMENTS = ['.yaml', '.yml', '.json'];

/** What is said of an option that does not go with the others. */
export function unfit(option: string, what: string): ConfigurationError {
  return new ConfigurationError('CLI_USAGE', `${option} ${what}.`, { at: option });
}

/**
 * Reads the workflow that FILE holds.
 *
 * @throws LockstepError what reading a file, importing a module and reading a document throws, and CLI_USAGE, FILE_KIND,
 * NO_WORKFLOW, WORKFLOW_AMBIGUOUS, EXPORT_UNKNOWN, FOREIGN_COPY
 */
export async function loadWorkflow(source: WorkflowSource): Promise<Workflow> {
  const { file, workflow, preferred, registry } = source;
  const extension = extname(file).toLowerCase();
  if (MODULES.includes(extension)) {
    if (registry !== undefined)
      throw unfit('--registry', 'is for YAML and JSON documents, a module imports what it needs');
    return pick(await importModule(file), file, workflow, preferred);
  }
  if (DOCUMENTS.includes(extension)) {
    if (workflow !== undefined) throw unfit('--workflow', 'is for modules, a document holds one workflow');
    return readDocument(file, extension === '.json', registry);
  }
  const known = [...MODULES, ...DOCUMENTS].join(', ');
  throw new ConfigurationError('FILE_KIND', `${file} ends with none of ${known}.`, { at: file });
}

async function readDocument(file: string, isJson: boolean, registry: string | undefined): Promise<Workflow> {
  const text = readText(file);
  const document = isJson ? parseJson(text, file) : text;
  const { fromJSON, fromYaml } = await import('../../forms/index.js');
  const { loadRegistry } = await import('./load-registry.js');
  const options = registry === undefined ? {} : { registry: await loadRegistry(registry) };
  if (!isJson) return fromYaml(text, options);
  try {
    return fromJSON(document, options);
  } catch (error) {
    fromYaml(text, options); // JSON is YAML, whose reader says in which line it is
    throw error;
  }
}

/** The workflow that was meant among the exports of a module. */
function pick(exports: Exports, file: string, wanted: string | undefined, preferred: string | undefined): Workflow {
  const found = Object.entries(exports).filter((entry): entry is [string, Workflow] => entry[1] instanceof Workflow);
  const names = [...new Set(found.filter(([name]) => name !== 'default').map(([name]) => name))];
  if (found.length === 0) throw noWorkflow(exports, file);
  if (wanted !== undefined) {
    const named = found.find(([name]) => name === wanted) ?? found.find(([, { name }]) => name === wanted);
    if (named !== undefined) return named[1];
    const known = didYouMean(wanted, [...new Set([...names, ...found.map(([, { name }]) => name)])]);
    throw new ConfigurationError('EXPORT_UNKNOWN', `${file} exports no workflow "${wanted}". ${known}`, { at: file });
  }
  const { default: main } = exports;
  const likely = found.find(([, { name }]) => name === preferred);
  if (likely !== undefined) return likely[1];
  if (main instanceof Workflow) return main;
  const [first, ...others] = new Set(found.map(([, workflow]) => workflow));
  if (others.length === 0) return first as Workflow;
  const list = names.map((name) => `"${name}"`).join(', ');
  throw new ConfigurationError('WORKFLOW_AMBIGUOUS', `${file} exports several workflows: ${list}.`, { at: file });
}

function noWorkflow(exports: Exports, file: string): ConfigurationError {
  if (Object.values(exports).some(isForeign))
    return new ConfigurationError('FOREIGN_COPY', `${file} imports another copy of lockstep than this command.`, {
      at: file,
    });
  const names = Object.keys(exports);
  const said = names.length === 0 ? 'nothing' : names.map((name) => `"${name}"`).join(', ');
  return new ConfigurationError('NO_WORKFLOW', `${file} exports no workflow; it exports ${said}.`, { at: file });
}

/** What looks like a workflow and is none of this copy of Lockstep. */
function isForeign(value: unknown): boolean {
  return typeof value === 'function' && 'data' in value && 'bindings' in value;
}
