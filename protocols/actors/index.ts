/** `/brume/actors/1.0.0`: the bytes are the runtime's own, whose packages know nothing of protocols. */
export {
  ACTORS_CHANNEL,
  type Ack,
  type Control,
  DeliveryError,
  type DeliveryErrorCode,
  decodeFrame,
  encodeFrame,
  FRAME,
  type Frame,
  type Hello,
  type Message,
  type Opening
} from '@brume/runtime/delivery'
