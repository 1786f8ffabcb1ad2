/** Small drawings of our own, as strokes; each stands beside its word. */
import type { ReactNode } from 'react';

const PATHS: Readonly<Record<string, string>> = {
  '/': 'M3 12h4l3-8 4 16 3-8h4',
  '/holds':
    'M8 11V6a1.5 1.5 0 0 1 3 0v4m0-5a1.5 1.5 0 0 1 3 0v5m0-3.5a1.5 1.5 0 0 1 3 0V14a6 6 0 0 1-6 6c-3 0-4.500-1.500-6-5l-1.500-3.500a1.400 1.400 0 0 1 2.500-1L8 13',
  '/undo': 'M4 9h10a5 5 0 0 1 0 10h-4M4 9l4-4M4 9l4 4',
  '/trail': 'M5 5h14M5 10h14M5 15h9M5 20h6',
  '/targets':
    'M4 7c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3zm0 0v10c0 1.700 3.600 3 8 3s8-1.300 8-3V7M4 12c0 1.700 3.600 3 8 3s8-1.300 8-3',
  '/recovery': 'M4 12a8 8 0 1 0 2.500-5.800L4 8.500M4 4v4.500h4.500M12 8v4l3 2',
  '/agents': 'M6 9h12v10H6zM12 9V5m-2 9h.01M14 14h.01M3 13v3m18-3v3',
  '/people':
    'M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zm-6 9c0-3.300 2.700-6 6-6s6 2.700 6 6m1-9a3 3 0 1 0-1-5.800M17 14.300c2.300.7 4 2.900 4 5.700',
  '/policy': 'M12 4v16M5 8h14M5 8l-2.500 6h5zm14 0-2.500 6h5zM8 20h8',
  '/account': 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7 8c0-3.900 3.100-6 7-6s7 2.100 7 6',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
};

export function Icon({ of }: { readonly of: string }): ReactNode {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 24 24"
      className="size-5 shrink-0 fill-none stroke-current"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[of] ?? ''} />
    </svg>
  );
}
