----------------------------- MODULE mailboxMC -----------------------------
\* What mailbox.cfg needs beside the bounds: a function, which TLC takes from a module alone.
EXTENDS mailbox

MCPriorityOf == [k \in Keys |-> IF k = "c" THEN 0 ELSE 1]
=============================================================================
