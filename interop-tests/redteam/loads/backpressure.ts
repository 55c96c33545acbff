export const backpressure = async (full: boolean): Promise<boolean> => full
