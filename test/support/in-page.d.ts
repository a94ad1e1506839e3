/** Lines that each name one fault of the page's layout. */
export function layoutFaults(): string[]
export function openAll(): void
export function hasFocusInSight(element: unknown): boolean
/** Colours as the browser says them. */
export function lowContrast(): string[]
/** Lines that each name a text and how small it is. */
export function smallPictureText(leastPx: number): string[]
/** Classes of lines with their colours. */
export function faintLines(): string[]
