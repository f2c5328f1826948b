export { decodeAnnouncement, decodeMessage, encodeAnnouncement, encodeMessage } from './codec.ts'
export { RecordError, type RecordErrorCode } from './errors.ts'
export * from './id.ts'
export type * from './messages.ts'
export { DEVICE_CLASSES, POWER_MODES, TIERS } from './messages.ts'
export { decodeBody, decodeRecord, encodeBody, encodeSigned } from './record.ts'
export {
  checkNetwork,
  checkRecord,
  isLeaving,
  openRecord,
  operatorMessage,
  operatorOf,
  type Sign,
  signRecord,
  type Verify,
  vrfPublicKey
} from './validate.ts'
