/** Lines that each name one fault of the page's layout. */
export function layoutFaults(): string[]
export function openAll(): void
export function hasFocusInSight(element: unknown): boolean
/** Colours as the browser says them. */
export function lowContrast(): string[]
