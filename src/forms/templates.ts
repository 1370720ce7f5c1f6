import { asRef, Reference, type RefScope, templateSource } from '../base/ref.js';
import type { Cursor } from './cursor.js';
import { onBehalfOf } from './document-error.js';

/** A configuration value: a literal, or a reference where templates in it name parameters. */
export function readTemplate(cursor: Cursor, parameters: readonly string[], scope: RefScope): unknown {
  const source = onBehalfOf(cursor.path, () => templateSource(cursor.value, parameters, 'The template'));
  return source.kind === 'literal' ? source.value : asRef(new Reference(source, scope));
}

/** A literal with everything escaped that would be taken for a template. */
export function escapeTemplates(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', (start) => `$${start}`);
  if (Array.isArray(value)) return value.map(escapeTemplates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escapeTemplates(inner)]));
}
