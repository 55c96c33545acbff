export const strangers = async (full: boolean): Promise<boolean> => full
