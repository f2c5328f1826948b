export { NetError, type NetErrorCode } from './errors.ts'
export type { ProfileName } from './host/profiles.ts'
export { createNet } from './node.ts'
export type { NetNode, NetOptions } from './options.ts'
