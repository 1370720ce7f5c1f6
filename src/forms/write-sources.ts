import type { StandardSchema } from '../base/standard-schema.js';
import type { Source } from '../base/workflow-data.js';
import type { SourceDocument } from './document.js';
import { isItemName, PARAMS } from './read-sources.js';
import type { SchemaWriter } from './write-schemas.js';

/** Writes expressions of one workflow. */
export class SourceWriter {
  readonly #schemas: ReadonlyMap<string, StandardSchema>;
  readonly #writer: SchemaWriter;

  constructor(schemas: ReadonlyMap<string, StandardSchema>, writer: SchemaWriter) {
    this.#schemas = schemas;
    this.#writer = writer;
  }

  /** @param at where it stands, for messages */
  write(source: Source, at: string): SourceDocument {
    const write = (inner: Source): SourceDocument => this.write(inner, at);
    switch (source.kind) {
      case 'output':
        return this.#leaf(`${source.node}.${source.port}`, source, at);
      case 'parameter':
        return this.#leaf(isItemName(source.name) ? source.name : `${PARAMS}.${source.name}`, source, at);
      case 'literal':
        return { literal: this.#writer.literal(source.value, at) };
      case 'template':
        return { template: this.#writer.literal(source.value, at) };
      case 'path':
        return { of: write(source.of), path: pathOf(source.path), ...this.#schema(source.schema, at) };
      case 'required':
        return { required: write(source.of) };
      case 'oneOf':
        return { oneOf: source.of.map(write) };
      case 'collect':
        return { collect: source.of.map(write) };
      case 'firstOf':
        return { firstOf: source.of.map(write) };
      case 'join':
        return { join: source.owner, cases: this.record(source.cases, at) };
    }
  }

  record(sources: Readonly<Record<string, Source>>, at: string): Readonly<Record<string, SourceDocument>> {
    return Object.fromEntries(Object.entries(sources).map(([name, source]) => [name, this.write(source, at)]));
  }

  #leaf(
    text: string,
    { path, schema }: { readonly path: readonly string[]; readonly schema?: string },
    at: string,
  ): SourceDocument {
    const plain = path.every((step) => step !== '' && !step.includes('.'));
    if (schema === undefined && plain) return [text, ...path].join('.');
    return { from: text, ...(path.length === 0 ? {} : { path: pathOf(path) }), ...this.#schema(schema, at) };
  }

  #schema(name: string | undefined, at: string) {
    return name === undefined ? {} : { schema: this.#writer.write(this.#schemas.get(name) as StandardSchema, at) };
  }
}

function pathOf(path: readonly string[]): string | readonly string[] {
  return path.every((step) => step !== '' && !step.includes('.')) ? path.join('.') : path;
}
