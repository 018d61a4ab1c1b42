// How long a pod has to end.

/** The kubelet's least grace period: less and systemd would kill a pod that is on its way out (kubelet v1.5 rkt.go). */
export const graceSecondsMin = 2;
