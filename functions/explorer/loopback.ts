/** Whether a request is for this machine by its name: a page elsewhere can make a name of its own lead here, and read what is answered. */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}
