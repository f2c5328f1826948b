export type { Control } from './controls.ts'
export { createDelivery, type Delivery, type DeliveryOptions, type LinkView, type Via } from './delivery.ts'
export { DeliveryError, type DeliveryErrorCode } from './error.ts'
export {
  type Ack,
  decodeFrame,
  encodeFrame,
  FRAME,
  type Frame,
  type Hello,
  type Opening
} from './frames.ts'
export { ACTORS_CHANNEL, type Host } from './links.ts'
export type { Message } from './messages.ts'
export { LINK_RULES, type LinkRules } from './rules.ts'
export { encodeValue } from './values.ts'
