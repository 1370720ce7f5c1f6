import type { OtelApi } from './open-telemetry-api.js';
import { optionalPackage } from './optional-package.js';

/** The instrumentation scope: what asks for a tracer or a meter. */
export const SCOPE = 'lockstep';

/**
 * The module `@opentelemetry/api`. All copies of it share what your SDK has registered.
 *
 * @throws ConfigurationError PACKAGE_MISSING
 */
export function loadOpenTelemetry(needed: string, instead: string): OtelApi {
  return optionalPackage('@opentelemetry/api', needed, instead) as OtelApi;
}
