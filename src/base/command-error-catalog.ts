import { type ErrorEntry, entry } from './error-entry.js';

/** The codes of the command line. */
export const commandErrors = {
  CLI_USAGE: entry(
    'The command line cannot be understood.',
    'See "lockstep help", and "lockstep help VERB" for the options of a verb.',
  ),
  FILE_UNREADABLE: entry('A file that was named cannot be read.', 'Correct the path, or make the file readable.'),
  FILE_UNWRITABLE: entry('A file that was named cannot be written.', 'Name another path, or make room for it.'),
  FILE_KIND: entry(
    'The name of a file does not say how to read a workflow from it.',
    'Pass a JavaScript or TypeScript module, or a YAML or JSON document, with the ending of its kind.',
  ),
  INVALID_JSON: entry('A text that must be JSON is none.', 'Correct the text at the named place.'),
  IMPORT_FAILED: entry(
    'A module that was named could not be imported.',
    'Correct the module; LOCKSTEP_DEBUG=1 shows the whole stack.',
  ),
  TSX_MISSING: entry('A TypeScript file cannot be read without the package tsx.', 'Install it: npm i -D tsx.'),
  NO_ES_MODULE: entry(
    'A TypeScript file is no ES module.',
    'Say "type": "module" in the package.json of its project, or give it the ending .mts.',
  ),
  NO_WORKFLOW: entry('A module exports no workflow.', 'Export what build() returns, by name or as default.'),
  WORKFLOW_AMBIGUOUS: entry(
    'A module exports several workflows, and none as default.',
    'Choose one with --workflow NAME.',
  ),
  EXPORT_UNKNOWN: entry('A module does not export the workflow that was asked for.', 'Correct the name.'),
  FOREIGN_COPY: entry(
    'A module was written with another copy of Lockstep than the one that reads it.',
    'Run the command that is installed beside it: npx lockstep.',
  ),
  NO_REGISTRY: entry(
    'A module holds nothing that a document could refer to.',
    'Export a registry, or node definitions, predicates and workflows.',
  ),
  RUN_AMBIGUOUS: entry('The ids of several runs begin or end with what was given.', 'Give more of the id.'),
  CLI_DEFECT: entry(
    'The command met something that should not happen.',
    'Run it again with LOCKSTEP_DEBUG=1; where the stack points into Lockstep, please report it.',
  ),
} as const satisfies Record<string, ErrorEntry>;
