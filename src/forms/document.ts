import type { BreakerOptions, CacheOptions, LimitOptions, ValidationLevel } from '../base/capability-options.js';
import type { Durability } from '../base/history/event-store.js';
import type { RetryOptions } from '../base/node-options.js';
import type { ContractPolicy } from '../base/workflow.js';
import type { Direction, JoinRule, SwitchMode } from '../base/workflow-data.js';
import type { JsonSchemaDocument } from '../mixins/validation/json-schema.js';

/** The version of the data form. */
export const DOCUMENT_VERSION = 1;

/** Steps into a value: `a.0.b`, or a list of steps where one has a dot in it. */
export type PathDocument = string | readonly string[];

/** A schema: a JSON Schema, or the name of a registered one. */
export type SchemaDocument = JsonSchemaDocument | string;

/**
 * Where a value comes from. A text is an output, `node.port` or `node.port.path.0`, or a parameter, `$params.name` or
 * `$params.name.path`.
 */
export type SourceDocument =
  | string
  /** An output or parameter whose value at a path is checked, or whose path has steps with dots. */
  | { readonly from: string; readonly path?: PathDocument; readonly schema?: SchemaDocument }
  /** A path inside the value of another expression. */
  | { readonly of: SourceDocument; readonly path: PathDocument; readonly schema?: SchemaDocument }
  /** One of several, of which at most one is live. */
  | { readonly oneOf: readonly SourceDocument[] }
  /** All that are live, as a list. */
  | { readonly collect: readonly SourceDocument[] }
  /** The first that is live. */
  | { readonly firstOf: readonly SourceDocument[] }
  /** The same source; that it is dead is a failure. */
  | { readonly required: SourceDocument }
  /** The source for the case that a switch took, or for the way a node with `allowFailure` went (`ok`, `failed`). */
  | { readonly join: string; readonly cases: Readonly<Record<string, SourceDocument>> }
  | { readonly literal: unknown }
  /** A value in whose texts `${name}` stands for a parameter; beside other connections, where `config` cannot say it. */
  | { readonly template: unknown };

/** A case of a switch. */
export type CaseDocument =
  | 'otherwise'
  /** A CEL expression over `value`. */
  | { readonly when: string }
  | { readonly op: string; readonly value?: unknown; readonly path?: string }
  /** A registered predicate: `name` or `name@version`. */
  | { readonly predicate: string };

/** When a cycle stops. */
export type ConditionDocument =
  /** A CEL expression over these names and `iteration`, `previous`, `history`, `elapsedMs`. */
  | { readonly when: string; readonly over: Readonly<Record<string, SourceDocument>> }
  /** A registered predicate of one value. */
  | { readonly predicate: string; readonly of: SourceDocument }
  /** A registered predicate of several values, by name. */
  | { readonly predicate: string; readonly over: Readonly<Record<string, SourceDocument>> }
  | { readonly tolerance: SourceDocument; readonly epsilon: number; readonly relative?: boolean }
  | {
      readonly plateau: SourceDocument;
      readonly patience: number;
      readonly epsilon?: number;
      readonly mode?: Direction;
    }
  | { readonly budget: { readonly iterations?: number; readonly elapsedMs?: number } }
  | { readonly anyOf: readonly ConditionDocument[] }
  | { readonly allOf: readonly ConditionDocument[] };

/** What an error is compared with: a code, or a registered predicate. */
export type MatcherDocument = string | { readonly predicate: string };

/** How a failed attempt is repeated. */
export type RetryDocument = Omit<RetryOptions, 'retryOn' | 'dontRetryOn'> & {
  readonly retryOn?: readonly MatcherDocument[];
  readonly dontRetryOn?: readonly MatcherDocument[];
};

/** What any node may say beside what it does. */
export interface UseDocument {
  readonly after?: string | readonly string[];
  readonly join?: JoinRule;
  readonly retry?: RetryDocument;
  readonly timeoutMs?: number;
  readonly softTimeoutMs?: number;
  readonly totalTimeoutMs?: number;
  /** How strictly contracts on its inputs are treated. Default: as the runtime says. */
  readonly validation?: ValidationLevel;
  /** `false`: its attempts are not counted. Default: as the runtime says, and otherwise `true`. */
  readonly metrics?: boolean;
  /** What the record of its attempts survives, where a store is bound. Default: as the runtime says, and otherwise `process`. */
  readonly durability?: Durability;
}

/** What a node may say that calls a function. */
export interface CallDocument extends UseDocument {
  /** How many of its attempts may be in flight, or start in a time. */
  readonly limit?: LimitOptions;
  /** When it is left alone because it keeps failing. */
  readonly breaker?: BreakerOptions;
  /** Its outputs are kept and given again for the same inputs. */
  readonly cache?: CacheOptions;
}

/** Where inputs come from. A list is several connections into one input. */
export type InputsDocument = Readonly<Record<string, SourceDocument | readonly SourceDocument[]>>;

/** A registered node definition, in use. */
export interface FunctionDocument extends CallDocument {
  /** `name`, or `name@version`; without a version the latest one. */
  readonly use: string;
  readonly inputs?: InputsDocument;
  /** Literals, by input. Texts in them are templates: `${name}` stands for a parameter, `$${` for `${`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The run goes on when the node fails; its error is the output `$error`. */
  readonly allowFailure?: boolean;
}

/** One of the built-in merge nodes, in use. */
export interface MergeDocument extends CallDocument {
  readonly merge: 'concat' | 'zip' | 'objects' | 'byKey';
  readonly inputs: InputsDocument;
  /** Its options: `lengths`, `conflicts`, `key`, `how`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly allowFailure?: boolean;
}

/** A switch. */
export interface SwitchDocument extends UseDocument {
  /** What it looks at. */
  readonly switch: SourceDocument | readonly SourceDocument[];
  /** Default `first`. */
  readonly mode?: SwitchMode;
  /** In the order in which they are tried. Default: `true` and `false`. */
  readonly cases?: Readonly<Record<string, CaseDocument>>;
}

/** A workflow as a node. Its parameters are the inputs, its outputs the outputs. */
export interface SubworkflowDocument extends UseDocument {
  /** A workflow of the same document, or a registered one: `name`, or `name@version`. */
  readonly workflow: string;
  readonly inputs?: InputsDocument;
  /** Literals and templates, by input. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly allowFailure?: boolean;
}

/** What a map runs for each item: a registered node definition, a workflow, or a built-in merge node. */
export type MapBodyDocument = string | { readonly workflow: string } | { readonly merge: MergeDocument['merge'] };

/** A map: its body runs once for each item of a list. */
export interface MapDocument extends UseDocument {
  readonly map: MapBodyDocument;
  /** The list. */
  readonly over: SourceDocument | readonly SourceDocument[];
  /** Where the inputs of the body come from. Beside other sources there are `$item`, `$item.path` and `$index`. */
  readonly inputs?: InputsDocument;
  /** Literals and templates, by input of the body; a template names parameters, or the item and its number. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** The most items in progress at once. Default: no limit of its own. */
  readonly maxConcurrency?: number;
  /** Default `fail`. */
  readonly onItemError?: 'fail' | 'collect';
}

/** A gate: a node that waits for an answer from outside. Its outputs are `approved`, `rejected` and, with a limit, `timedOut`. */
export interface GateDocument extends Pick<UseDocument, 'after' | 'join' | 'timeoutMs'> {
  readonly gate: true;
  /** What whoever answers is shown, by name. */
  readonly shows?: InputsDocument;
  /** Literals and templates that are shown. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What an answer must be. Default: anything. */
  readonly answer?: SchemaDocument;
}

/** A node. */
export type NodeDocument =
  | FunctionDocument
  | MergeDocument
  | SwitchDocument
  | SubworkflowDocument
  | MapDocument
  | GateDocument;

/** A cycle. */
export interface CycleDocument {
  /** Input to the output that is fed back to it. */
  readonly feedback: Readonly<Record<string, SourceDocument>>;
  readonly until?: ConditionDocument;
  readonly maxIterations?: number;
  readonly timeoutMs?: number;
  readonly onMaxIterations?: 'accept' | 'fail';
  readonly onTimeout?: 'accept' | 'fail';
  readonly within?: string;
  readonly keepHistory?: number;
}

/** What values on a connection must satisfy. */
export interface ContractDocument {
  readonly schema?: string;
  readonly jsonSchema?: Readonly<Record<string, unknown>>;
  readonly policies?: readonly ContractPolicy[];
}

/** A workflow that other parts of the same document run. */
export interface InlineWorkflowDocument {
  /** Default: the name under which it stands in the document. */
  readonly name?: string;
  /** Parameters; a name that ends with `?` may be left out. */
  readonly params?: Readonly<Record<string, SchemaDocument>>;
  readonly nodes: Readonly<Record<string, NodeDocument>>;
  readonly cycles?: Readonly<Record<string, CycleDocument>>;
  /** Input to what its values must satisfy. */
  readonly contracts?: Readonly<Record<string, ContractDocument | readonly ContractDocument[]>>;
  readonly outputs?: Readonly<Record<string, SourceDocument>>;
}

/** A workflow as a document: what `toJSON` writes and `fromJSON` reads. */
export interface WorkflowDocument extends InlineWorkflowDocument {
  readonly $schema?: string;
  /** The version of this form. */
  readonly lockstep: typeof DOCUMENT_VERSION;
  readonly name: string;
  /** Workflows that nodes of this document run, by name. They stand before registered ones of the same name. */
  readonly workflows?: Readonly<Record<string, InlineWorkflowDocument>>;
}
