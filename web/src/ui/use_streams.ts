import { useEffect, useRef, useState } from 'preact/hooks';
import { StreamPoll, type Listing } from '../api';

// The server's list, kept fresh while the component is on the page; `ask` wants it at once.
export function useStreams(): { listing: Listing; ask: () => void } {
  const [listing, setListing] = useState<Listing>({ list: null, error: null });
  const poll = useRef<StreamPoll | null>(null);
  useEffect(() => {
    poll.current = new StreamPoll(setListing);
    return () => poll.current?.stop();
  }, []);
  return { listing, ask: () => void poll.current?.ask() };
}
