export { type Admission, admits } from './admission.ts'
export {
  ATTEST,
  type Attestation,
  type AttestationCertificate,
  attestedBytes,
  decodeAttestationCertificate,
  encodeAttestationCertificate,
  type Outcome,
  STATEMENT_BYTES_MAX,
  statementDigest
} from './attestation.ts'
export {
  type BlockBody,
  BlockError,
  bodyOf,
  type Command,
  decodeSignedBlock,
  encodeSignedBlock,
  HEADER_BYTES_MAX,
  isClosing,
  makeBlock,
  NO_TURN,
  type Place,
  readBlock,
  type Turn,
  VRF_PROOF_BYTES
} from './block.ts'
export {
  type AttestationProof,
  BUNDLE_BYTES_MAX,
  BUNDLE_CLOSINGS_MAX,
  BUNDLE_HEADERS_MAX,
  type Bundle,
  type CheckpointProof,
  type Closing,
  decodeBundle,
  encodeBundle,
  type LeafProof
} from './bundle.ts'
export { type Call, commandId, decodeCall, EXPIRY_MAX_MS, encodeCall, isSigned } from './call.ts'
export { decodeCertificate, encodeCertificate } from './certificate.ts'
export {
  CHECKPOINT,
  type CheckpointCertificate,
  type CheckpointStatement,
  type CheckpointVote,
  checkpointBytes,
  decodeCheckpointCertificate,
  encodeCheckpointCertificate,
  RECORD_BYTES_MAX,
  recordDigest,
  stateRootOf
} from './checkpoint.ts'
export {
  ANSWER_BYTES_MAX,
  CLIENT_PROTOCOL,
  type ClientAnswer,
  type ClientRequest,
  decodeClientFrame,
  encodeClientAnswer,
  encodeClientRequest,
  READ_LEAVES_MAX,
  type ReadLevel
} from './client.ts'
export { CLOSINGS_PER_ANSWER_MAX, decodeClosings, encodeClosings, type Handover } from './closings.ts'
export {
  decodeCommandsAnswer,
  decodeCommandsRequest,
  encodeCommandsAnswer,
  encodeCommandsRequest
} from './commands.ts'
export { ECHO_VOTES_MAX, type Echo } from './echo.ts'
export { BundleError, type BundleFault, ManifestError } from './errors.ts'
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
  type Outcomes,
  readEnvelope,
  readFrame,
  readHello,
  VOTES_PER_FRAME_MAX,
  type Watermark
} from './frames.ts'
export { Genuine } from './genuine.ts'
export {
  type Attempt,
  encodeGossip,
  encodeGossipFrame,
  encodeGossipPresence,
  GOSSIP,
  GOSSIP_VOTES_MAX,
  type Gossip,
  type GossipFrame,
  gossipTopic,
  readGossip
} from './gossip.ts'
export { type Header, readHeader } from './header.ts'
export {
  BLOCK_BYTES_MAX,
  COMMAND_BYTES_MAX,
  COMMANDS_PROTOCOL,
  FRAME_BYTES_MAX,
  PAYLOAD_BYTES_MAX,
  QUORUM_PROTOCOL,
  SYNC_ANSWER_BYTES_MAX,
  SYNC_PROTOCOL
} from './id.ts'
export {
  committeeFrom,
  committeeHash,
  committeeOf,
  DEFAULT_PACE,
  decodeCommittee,
  decodeManifest,
  encodeCommittee,
  encodeManifest,
  groupIdOf,
  type Manifest,
  type ManifestMember,
  type Pace
} from './manifest.ts'
export {
  fillOutline,
  INLINE_COMMAND_BYTES_MAX,
  INLINE_PAYLOAD_BYTES_MAX,
  type Outline,
  outlineOf
} from './outline.ts'
export {
  type CheckpointAnswer,
  decodeCheckpointAnswer,
  decodePageAnswer,
  encodeCheckpointAnswer,
  encodePageAnswer,
  LEAF_BYTES_MAX,
  type PageAnswer
} from './page.ts'
export { type Presence, presenceBytes } from './presence.ts'
export {
  CANDIDATES_MAX,
  type Candidacy,
  compareSessions,
  decodeMembership,
  decodeRecord,
  encodeMembership,
  encodeRecord,
  type Membership,
  type QuorumRecord,
  SESSIONS_MAX,
  type SessionEntry,
  VOUCHES_PER_MEMBER_MAX,
  type Vouch,
  WARRANTS_MAX,
  type Warrant
} from './record.ts'
export type { Signers } from './signers.ts'
export {
  decodeSlotCertificate,
  decodeSlotFrame,
  decodeSlotValueRequest,
  encodeSlotCertificate,
  encodeSlotFrame,
  encodeSlotValueRequest,
  RESULT_BYTES_MAX,
  readSlotVote,
  SLOT_PROTOCOL,
  SLOT_VALUE_PROTOCOL,
  type SlotValueRequest,
  writeSlotVote
} from './slot.ts'
export { requireSoundManifest, risksOf } from './soundness.ts'
export {
  decodeSyncAnswer,
  decodeSyncRequest,
  encodeSyncAnswer,
  encodeSyncRequest,
  SYNC_BLOCKS_MAX,
  type SyncAnswer,
  type SyncRequest
} from './sync.ts'
export { decodeSystem, encodeSystem, isSystemBody, type SystemCommand } from './system.ts'
export {
  type Predicate,
  type TrustedCommittee,
  trustManifest,
  type Verified,
  verifyFinal,
  verifyNotarized
} from './verify.ts'
export { readVote, writeVote } from './vote.ts'
