import type { ConditionData, Source } from './workflow-data.js';

type Rename = (name: string) => string;

function each(sources: Readonly<Record<string, Source>>, rename: Rename): Record<string, Source> {
  return Object.fromEntries(
    Object.entries(sources)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, source]) => [name, withSchemaNames(source, rename)]),
  );
}

/** An expression with the names of its schemas replaced, in the order in which they are written. */
export function withSchemaNames(source: Source, rename: Rename): Source {
  switch (source.kind) {
    case 'literal':
    case 'template':
      return source;
    case 'output':
    case 'parameter':
      return source.schema === undefined ? source : { ...source, schema: rename(source.schema) };
    case 'path': {
      const of = withSchemaNames(source.of, rename);
      return source.schema === undefined ? { ...source, of } : { ...source, of, schema: rename(source.schema) };
    }
    case 'required':
      return { ...source, of: withSchemaNames(source.of, rename) };
    case 'oneOf':
    case 'collect':
    case 'firstOf':
      return { ...source, of: source.of.map((inner) => withSchemaNames(inner, rename)) };
    case 'join':
      return { ...source, cases: each(source.cases, rename) };
  }
}

/** A condition with the names of its schemas replaced. */
export function withConditionSchemas(condition: ConditionData, rename: Rename): ConditionData {
  if ('parts' in condition)
    return { ...condition, parts: condition.parts.map((part) => withConditionSchemas(part, rename)) };
  if ('named' in condition) return { ...condition, named: each(condition.named, rename) };
  return 'of' in condition ? { ...condition, of: withSchemaNames(condition.of, rename) } : condition;
}
