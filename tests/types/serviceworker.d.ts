// The globals of a service worker: TypeScript's library knows only those that all workers share.
declare const clients: Clients;
declare const registration: ServiceWorkerRegistration;
declare function skipWaiting(): Promise<void>;
declare function addEventListener<Kind extends keyof ServiceWorkerGlobalScopeEventMap>(
  type: Kind,
  listener: (event: ServiceWorkerGlobalScopeEventMap[Kind]) => unknown,
): void;
