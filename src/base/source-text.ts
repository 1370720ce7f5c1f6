import type { Plan, PlanNode, PlanSource } from './plan.js';

function idOf(plan: Plan, node: number): string {
  return (plan.nodes[node] as PlanNode).id;
}

/** A source in words, for messages: `full.stats`, `route.join`. */
export function sourceText(plan: Plan, source: PlanSource): string {
  switch (source.kind) {
    case 'output':
      return `${idOf(plan, source.node)}.${source.port}`;
    case 'cycle':
      return `${plan.regions[source.region]?.id}.${source.port}`;
    case 'path':
    case 'required':
      return sourceText(plan, source.of);
    case 'choice':
      return source.of.map((inner) => sourceText(plan, inner)).join(', ');
    case 'join':
      return `${idOf(plan, source.owner.node)}.join`;
    case 'parameter':
      return source.name;
    case 'literal':
      return 'a literal';
    case 'template':
      return 'a template';
  }
}
