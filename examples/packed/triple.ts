/** Runs in a thread in LocalRuntime, in this one in AsyncLocalRuntime. */
export async function triple({ x }: { readonly x: number }): Promise<{ y: number }> {
  return { y: await Promise.resolve(3 * x) };
}
