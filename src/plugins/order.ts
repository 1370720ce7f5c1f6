import { didYouMean } from '../base/did-you-mean.js';
import { ConfigurationError } from '../base/errors.js';
import { Graph } from '../base/graph.js';
import type { Plugin } from './plugin.js';

/**
 * Puts plugins in the order in which they start: each after those that provide what it requires, ties as given.
 *
 * @throws ConfigurationError INVALID_PLUGIN, PLUGIN_DUPLICATE, PLUGIN_MISSING, PLUGIN_CYCLE
 */
export function startOrder(plugins: readonly Plugin[]): readonly Plugin[] {
  const names = new Set<string>();
  const providers = new Map<symbol, number>();
  plugins.forEach((plugin, index) => {
    if (typeof plugin !== 'object' || typeof plugin?.name !== 'string')
      throw new ConfigurationError('INVALID_PLUGIN', `Plugin ${index} was not made with definePlugin().`, {
        at: `plugins[${index}]`,
        value: plugin,
      });
    if (names.has(plugin.name))
      throw new ConfigurationError('PLUGIN_DUPLICATE', `Two plugins are named "${plugin.name}".`, { at: plugin.name });
    names.add(plugin.name);
    for (const { name, symbol } of plugin.provides ?? []) {
      const other = providers.get(symbol);
      if (other !== undefined) {
        throw new ConfigurationError(
          'PLUGIN_DUPLICATE',
          `Plugins "${plugins[other]?.name}" and "${plugin.name}" both provide ${name}.`,
          { at: plugin.name },
        );
      }
      providers.set(symbol, index);
    }
  });
  const provided = plugins.flatMap((plugin) => (plugin.provides ?? []).map(({ name }) => name));
  const graph = new Graph(plugins.length);
  plugins.forEach((plugin, index) => {
    for (const { name, symbol } of plugin.requires ?? []) {
      const provider = providers.get(symbol);
      if (provider === undefined) {
        throw new ConfigurationError(
          'PLUGIN_MISSING',
          `Plugin "${plugin.name}" requires ${name}, which no plugin provides. ${didYouMean(name, provided)}`,
          { at: plugin.name },
        );
      }
      graph.add(provider, index);
    }
  });
  const order = graph.topologicalOrder();
  if (order.length < plugins.length) {
    const circle = graph.findCycle(order).map((index) => plugins[index]?.name);
    throw new ConfigurationError('PLUGIN_CYCLE', `Plugins require each other: ${[...circle, circle[0]].join(' → ')}.`, {
      at: circle.join(', '),
    });
  }
  return order.map((index) => plugins[index] as Plugin);
}
