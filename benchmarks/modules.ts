/** What the thread of a SyncBridge performs in a benchmark: hands back what it was given. */
export const echo = ({ payload }: { readonly payload: unknown }): { readonly payload: unknown } => ({ payload });
