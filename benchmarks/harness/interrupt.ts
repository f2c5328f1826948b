const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * At the first signal to end, ends what was started, so that whoever waits for it fails and cleans up; a second
 * one ends this process at once. Call what it returns when there is nothing more to end.
 */
export function onInterrupt(end: () => Promise<unknown>): () => void {
  const interrupted = (): void => {
    forget()
    process.stderr.write('interrupted: ending what was started\n')
    void end()
  }
  const forget = (): void => {
    for (const signal of SIGNALS) process.off(signal, interrupted)
  }
  for (const signal of SIGNALS) process.on(signal, interrupted)
  return forget
}
