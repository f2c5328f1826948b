/** Parts of the benchmark of actors, in order; here because their code is loaded only when one is measured. */
export const RUNTIME_PARTS = ['tell', 'ask', 'journal', 'cold', 'remote', 'memory', 'bft', 'compare'] as const

export type RuntimePart = (typeof RUNTIME_PARTS)[number]
