export { ATTEST_DOMAIN, addressOf, type Proved, verifyProof } from '@brume/protocols/actors/proof'
export {
  type Answer,
  type Bundle,
  type Checked,
  checkLogic,
  contextPath,
  encodeCommand,
  encodeTerms,
  inlineExecutor,
  inputDigest,
  queryPath,
  type ReplicaSnapshot,
  RUNTIME,
  SNAPSHOT_PATHS,
  selectPath,
  WorkerExecutor
} from '@brume/runtime/replica'
export { answerProof, proofOf, readAnswer, readSnapshot } from './client.ts'
export { createReplica, type ReplicaOptions } from './program.ts'
export { decodeOutgoing, sentPath, sequenceOf } from './sends.ts'
