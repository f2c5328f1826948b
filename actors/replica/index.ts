export { Dispatch, type DispatchOptions, type Sending } from './dispatch.ts'
export { Post, type PostOptions } from './post.ts'
export { createReplica, type ReplicaOptions } from './program.ts'
