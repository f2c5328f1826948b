export { createKernel } from './kernel.ts'
export * from './port.ts'
