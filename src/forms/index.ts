export { cel } from './cel.js';
export type {
  CallDocument,
  CaseDocument,
  ConditionDocument,
  ContractDocument,
  CycleDocument,
  FunctionDocument,
  GateDocument,
  InlineWorkflowDocument,
  InputsDocument,
  MapBodyDocument,
  MapDocument,
  MatcherDocument,
  MergeDocument,
  NodeDocument,
  PathDocument,
  RetryDocument,
  SchemaDocument,
  SourceDocument,
  SubworkflowDocument,
  SwitchDocument,
  UseDocument,
  WorkflowDocument,
} from './document.js';
export { DOCUMENT_VERSION } from './document.js';
export { DocumentError, type DocumentPath, type TextPosition } from './document-error.js';
export { fromJSON, type ReadOptions } from './from-json.js';
export { type AnyDefinition, type NamedPredicate, NodeRegistry, type Registrable, registry } from './registry.js';
export { toJSON, type WriteOptions } from './to-json.js';
export { fromYaml, toYaml } from './yaml.js';
