export {
  type BlockBody,
  BlockError,
  bodyOf,
  type Command,
  decodeSignedBlock,
  encodeSignedBlock,
  isClosing,
  makeBlock,
  NO_TURN,
  type Place,
  readBlock,
  type Turn,
  VRF_PROOF_BYTES
} from './block.ts'
export { type Call, commandId, decodeCall, EXPIRY_MAX_MS, encodeCall, isSigned } from './call.ts'
export { decodeCertificate, encodeCertificate } from './certificate.ts'
export { ECHO_VOTES_MAX, type Echo } from './echo.ts'
export { ManifestError } from './errors.ts'
export {
  decodeEvidence,
  EVIDENCE_BYTES_MAX,
  EVIDENCE_KIND,
  type Evidence,
  type EvidenceKind,
  encodeEvidence,
  makeEvidence,
  offenceOf,
  type Signed,
  verifyEvidence
} from './evidence.ts'
export {
  encodeFrame,
  encodeHello,
  FRAME,
  type Frame,
  GROUPS_MAX,
  type Greeting,
  readEnvelope,
  readFrame,
  readHello,
  VOTES_PER_FRAME_MAX,
  type Watermark
} from './frames.ts'
export {
  COMMAND_BYTES_MAX,
  FRAME_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
  QUORUM_PROTOCOL,
  SYNC_ANSWER_BYTES_MAX,
  SYNC_PROTOCOL
} from './id.ts'
export {
  committeeOf,
  DEFAULT_PACE,
  decodeManifest,
  encodeManifest,
  groupIdOf,
  type Manifest,
  type ManifestInput,
  type ManifestMember,
  type Pace
} from './manifest.ts'
export {
  decodeSyncAnswer,
  decodeSyncRequest,
  encodeSyncAnswer,
  encodeSyncRequest,
  SYNC_BLOCKS_MAX,
  type SyncAnswer,
  type SyncRequest
} from './sync.ts'
export { readVote, writeVote } from './vote.ts'
