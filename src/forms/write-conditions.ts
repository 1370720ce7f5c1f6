import type { CaseTest, ConditionData } from '../base/workflow-data.js';
import type { CaseDocument, ConditionDocument } from './document.js';
import { notRegistered, type SchemaWriter } from './write-schemas.js';
import type { SourceWriter } from './write-sources.js';

/** A case of a switch as a document writes it. */
export function writeCase(test: CaseTest, at: string, schemas: SchemaWriter): CaseDocument {
  switch (test.kind) {
    case 'otherwise':
      return 'otherwise';
    case 'cel':
      return { when: test.text };
    case 'function':
      return test.use === undefined
        ? notRegistered(at, 'the case is a function without a name.')
        : { predicate: schemas.predicate(test.use, at) };
    case 'operator': {
      const unary = test.op === 'is_null' || test.op === 'is_not_null';
      return {
        op: test.op,
        ...(unary && test.value === null ? {} : { value: schemas.literal(test.value, at) }),
        ...(test.path.length === 0 ? {} : { path: test.path.join('.') }),
      };
    }
  }
}

/** A condition as a document writes it. */
export function writeCondition(
  data: ConditionData,
  at: string,
  sources: SourceWriter,
  schemas: SchemaWriter,
): ConditionDocument {
  const parts = (all: readonly ConditionData[]): readonly ConditionDocument[] =>
    all.map((part) => writeCondition(part, at, sources, schemas));
  switch (data.kind) {
    case 'function': {
      if (data.use === undefined) return notRegistered(at, 'the condition is a function without a name.');
      const predicate = schemas.predicate(data.use, at);
      return 'of' in data
        ? { predicate, of: sources.write(data.of, at) }
        : { predicate, over: sources.record(data.named, at) };
    }
    case 'cel':
      return { when: data.text, over: sources.record(data.named, at) };
    case 'tolerance': {
      const { epsilon, relative } = data;
      return { tolerance: sources.write(data.of, at), epsilon, ...(relative ? { relative } : {}) };
    }
    case 'plateau': {
      const { epsilon, patience, mode } = data;
      const extra = { ...(epsilon === 0 ? {} : { epsilon }), ...(mode === 'min' ? {} : { mode }) };
      return { plateau: sources.write(data.of, at), patience, ...extra };
    }
    case 'budget': {
      const { kind: _, ...budget } = data;
      return { budget };
    }
    case 'anyOf':
      return { anyOf: parts(data.parts) };
    case 'allOf':
      return { allOf: parts(data.parts) };
  }
}
