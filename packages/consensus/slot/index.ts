export type { SlotEffect, SlotEvent, SlotMessage } from './events.ts'
export { createSlot, type SlotConfig, type SlotProposal, type SlotRestored, type SlotState } from './state.ts'
export {
  DISAGREE,
  RESULT,
  type SlotCertificate,
  type SlotKind,
  type SlotStatement,
  type SlotVote,
  signedSlotBytes
} from './statement.ts'
export { type SlotStep, slotStep } from './step.ts'
export { slotWakeAtMs } from './timing.ts'
