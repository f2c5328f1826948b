/** Between two looks: who ends npm waits no longer than for anything else that ends. */
const LOOK_MS = 500
/** A script whose last command is this one, in the foreground: the shell that runs it waits for it and does nothing else. */
const IN_FOREGROUND = /(^|&&|;)\s*\S*\bbrume["']?(\s[^&;|]*)?$/

/**
 * npm and npx run a command by a shell and hand SIGTERM to that shell alone, which ends and tells nobody. Calls once when the
 * shell is gone that npm or npx has started for this command. Whoever is run by anything else, by a script that goes on
 * without it, or by systemd, keeps running when its parent ends, as a daemon does. Not for what detaches itself: npm's
 * variables are inherited, and its parent ends at once.
 */
export function whenCallerEnds(run: () => void, environment: NodeJS.ProcessEnv = process.env): void {
  if (!IN_FOREGROUND.test(environment.npm_lifecycle_script ?? '')) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    run()
  }, LOOK_MS)
  // Alone it keeps no process running.
  timer.unref()
}
