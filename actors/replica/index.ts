export { createReplica, type ReplicaOptions } from './program.ts'
export { decodeOutgoing, sentPath, sequenceOf } from './sends.ts'
