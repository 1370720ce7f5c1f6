import { BaseRuntime } from '../base/base-runtime.js';
import type { RuntimeOptions } from '../base/runtime-options.js';
import { checkObject, resolveOptions } from '../base/runtime-options.js';
import { type AnalyticsFeatures, AnalyticsMixin } from '../mixins/analytics/index.js';
import { type ConditionalFeatures, ConditionalMixin } from '../mixins/conditional/index.js';
import type { AbstractConstructor } from '../mixins/constructor.js';
import { type CycleFeatures, CyclesMixin } from '../mixins/cycles/index.js';
import type { EnterpriseFeatures } from '../mixins/enterprise/features.js';
import { EnterpriseMixin } from '../mixins/enterprise/index.js';
import { type ParameterFeatures, ParametersMixin } from '../mixins/parameters/index.js';
import { type ValidationFeatures, ValidationMixin } from '../mixins/validation/index.js';
import { PluginHost } from '../plugins/host.js';
import type { Plugin } from '../plugins/plugin.js';
import type { Token } from '../plugins/token.js';
import { nodePorts } from './node-ports.js';

/** Everything the mixins add. A clash of names is a compile error here. */
export interface RuntimeFeatures
  extends ValidationFeatures,
    ParameterFeatures,
    ConditionalFeatures,
    CycleFeatures,
    EnterpriseFeatures,
    AnalyticsFeatures {}

/** The chain of mixins, applied once and shared by both runtimes. */
const Mixed: AbstractConstructor<RuntimeFeatures> & typeof BaseRuntime = AnalyticsMixin(
  EnterpriseMixin(CyclesMixin(ConditionalMixin(ParametersMixin(ValidationMixin(BaseRuntime))))),
);

/** Options of a runtime, plugins included. */
export interface RuntimeCoreOptions extends RuntimeOptions {
  /** Parts bound to tokens, started in the order of what they require, stopped in reverse. Default: none. */
  readonly plugins?: readonly Plugin[];
}

/** What the two runtimes have in common: the mixins, the ports of Node, and a plugin host of their own. */
export abstract class RuntimeCore extends Mixed {
  protected readonly plugins: PluginHost;

  protected constructor(options: RuntimeCoreOptions, more: readonly string[]) {
    checkObject(options, 'The options of a runtime', 'runtime');
    const { plugins = [], ...own } = options;
    const resolved = resolveOptions(own, more);
    const host = new PluginHost(plugins);
    super(resolved, nodePorts(host.fillPorts(own)));
    this.plugins = host;
    host.attach({ on: (name, listener) => this.on(name, listener), log: this.ports.log });
  }

  /** What a plugin provides under a token. @throws ConfigurationError TOKEN_UNPROVIDED */
  get<T>(token: Token<T>): T {
    return this.plugins.get(token);
  }
}
