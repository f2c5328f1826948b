/** How a link may be said to be; figures in `shape.ts`. */
export const PROFILES = ['lan', 'wifi', 'fog20', 'wan80', 'aws'] as const
