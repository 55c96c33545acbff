------------------------------ MODULE mailbox ------------------------------
(***************************************************************************)
(* One topic of the mailbox (specs/mailbox.md): sends under idempotency    *)
(* keys, group commit in two batches, leases fenced by attempt and boot,   *)
(* redelivery in place, and crashes.  specs/model/mailbox.ts says the same *)
(* with the same names; `node --test specs/model/mailbox.test.ts` explores *)
(* it.  With TLC: mailbox.cfg beside this file has the bounds.             *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS Keys,          \* idempotency keys
          PriorityOf,    \* the priority of each key's message: 0 or 1
          MaxSends, MaxCrashes, MaxLeases

VARIABLES boot,          \* the node's boot number
          keyOf,         \* sequence: the key of each id; ids are 1, 2, ...
          disk,          \* ids that are durable
          known,         \* key -> id, or 0; durable as the message is
          filling,       \* the batch that is composed
          writing,       \* the batch that is being written
          leases,        \* id -> lease record or NoLease; in memory
          attempts,      \* id -> deliveries so far
          cursor,        \* priority -> last id that was read
          returned,      \* ids that came back from before the cursor
          tokens,        \* what consumers hold, of all boots
          sends, crashes, leased,
          sendConfirmed, ackAccepted, ackConfirmed,
          staleAck, outOfOrder, afterAck

vars == <<boot, keyOf, disk, known, filling, writing, leases, attempts, cursor,
          returned, tokens, sends, crashes, leased, sendConfirmed, ackAccepted,
          ackConfirmed, staleAck, outOfOrder, afterAck>>

Ids == 1..MaxSends
Priorities == {0, 1}
NoLease == [attempt |-> 0, serial |-> 0, ending |-> FALSE]
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Prio(i) == PriorityOf[keyOf[i]]
InBatch(b, kind) == {b[n].id : n \in {m \in 1..Len(b) : b[m].op = kind}}

Init ==
  /\ boot = 1 /\ keyOf = <<>> /\ disk = {} /\ known = [k \in Keys |-> 0]
  /\ filling = <<>> /\ writing = <<>>
  /\ leases = [i \in Ids |-> NoLease] /\ attempts = [i \in Ids |-> 0]
  /\ cursor = [p \in Priorities |-> 0] /\ returned = {} /\ tokens = {}
  /\ sends = 0 /\ crashes = 0 /\ leased = 0
  /\ sendConfirmed = {} /\ ackAccepted = {} /\ ackConfirmed = {}
  /\ staleAck = FALSE /\ outOfOrder = FALSE /\ afterAck = FALSE

\* The id that a key stands for: durable, or in a batch under way; else 0.
IdOf(k) ==
  LET underWay == {i \in InBatch(writing, "append") \cup InBatch(filling, "append") : keyOf[i] = k}
  IN IF known[k] # 0 THEN known[k] ELSE IF underWay # {} THEN Min(underWay) ELSE 0

Send(k) ==
  /\ sends < MaxSends
  /\ sends' = sends + 1
  /\ IF IdOf(k) # 0
       THEN /\ filling' = Append(filling, [op |-> "repeat", id |-> IdOf(k)])
            /\ UNCHANGED keyOf
       ELSE /\ keyOf' = Append(keyOf, k)
            /\ filling' = Append(filling, [op |-> "append", id |-> Len(keyOf) + 1])
  /\ UNCHANGED <<boot, disk, known, writing, leases, attempts, cursor, returned, tokens, crashes,
                 leased, sendConfirmed, ackAccepted, ackConfirmed, staleAck, outOfOrder, afterAck>>

StartWrite ==
  /\ writing = <<>> /\ filling # <<>>
  /\ writing' = filling /\ filling' = <<>>
  /\ UNCHANGED <<boot, keyOf, disk, known, leases, attempts, cursor, returned, tokens, sends, crashes,
                 leased, sendConfirmed, ackAccepted, ackConfirmed, staleAck, outOfOrder, afterAck>>

DiskAfter == (disk \cup InBatch(writing, "append")) \ InBatch(writing, "remove")
KnownAfter ==
  [k \in Keys |-> LET new == {i \in InBatch(writing, "append") : keyOf[i] = k}
                  IN IF new = {} THEN known[k] ELSE Min(new)]

\* The batch is durable; only now its callers are answered.
FinishWrite ==
  /\ writing # <<>>
  /\ disk' = DiskAfter /\ known' = KnownAfter /\ writing' = <<>>
  /\ sendConfirmed' = sendConfirmed \cup InBatch(writing, "append") \cup InBatch(writing, "repeat")
  /\ ackConfirmed' = ackConfirmed \cup InBatch(writing, "remove")
  /\ leases' = [i \in Ids |-> IF i \in InBatch(writing, "remove") THEN NoLease ELSE leases[i]]
  /\ UNCHANGED <<boot, keyOf, filling, attempts, cursor, returned, tokens, sends, crashes, leased,
                 ackAccepted, staleAck, outOfOrder, afterAck>>

Back(p) == {i \in returned : Prio(i) = p}
Fresh(p) == {i \in disk : Prio(i) = p /\ i > cursor[p]}
Waiting == {i \in disk : leases[i] = NoLease}
\* What stands first of what waits.
First ==
  LET top == IF \E i \in Waiting : Prio(i) = 1 THEN 1 ELSE 0
  IN Min({i \in Waiting : Prio(i) = top})

DeliverFrom(p) ==
  LET i == IF Back(p) # {} THEN Min(Back(p)) ELSE Min(Fresh(p))
      lease == [attempt |-> attempts[i] + 1, serial |-> leased + 1, ending |-> FALSE]
  IN /\ leased' = leased + 1
     /\ attempts' = [attempts EXCEPT ![i] = @ + 1]
     /\ leases' = [leases EXCEPT ![i] = lease]
     /\ tokens' = tokens \cup {[id |-> i, attempt |-> attempts[i] + 1, boot |-> boot, serial |-> leased + 1]}
     /\ returned' = returned \ {i}
     /\ cursor' = IF Back(p) # {} THEN cursor ELSE [cursor EXCEPT ![p] = i]
     /\ outOfOrder' = (outOfOrder \/ Waiting = {} \/ (Waiting # {} /\ i # First))
     /\ afterAck' = (afterAck \/ i \in ackConfirmed)

Deliver ==
  /\ leased < MaxLeases
  /\ IF Back(1) \cup Fresh(1) # {} THEN DeliverFrom(1)
     ELSE /\ Back(0) \cup Fresh(0) # {}
          /\ DeliverFrom(0)
  /\ UNCHANGED <<boot, keyOf, disk, known, filling, writing, sends, crashes, sendConfirmed,
                 ackAccepted, ackConfirmed, staleAck>>

Return(i) ==
  /\ leases' = [leases EXCEPT ![i] = NoLease]
  /\ returned' = returned \cup {i}
  /\ UNCHANGED <<boot, keyOf, disk, known, filling, writing, attempts, cursor, tokens, sends, crashes,
                 leased, sendConfirmed, ackAccepted, ackConfirmed, staleAck, outOfOrder, afterAck>>

Expire == \E i \in Ids : leases[i] # NoLease /\ ~leases[i].ending /\ Return(i)

\* All that the node looks at: not the serial.
IsCurrent(t) ==
  /\ leases[t.id] # NoLease /\ ~leases[t.id].ending
  /\ leases[t.id].attempt = t.attempt
  /\ t.boot = boot

Nack == \E t \in tokens : IsCurrent(t) /\ Return(t.id)

Ack ==
  \E t \in tokens :
    /\ IsCurrent(t)
    /\ filling' = Append(filling, [op |-> "remove", id |-> t.id])
    /\ leases' = [leases EXCEPT ![t.id].ending = TRUE]
    /\ ackAccepted' = ackAccepted \cup {t.id}
    /\ staleAck' = (staleAck \/ leases[t.id].serial # t.serial)
    /\ UNCHANGED <<boot, keyOf, disk, known, writing, attempts, cursor, returned, tokens, sends, crashes,
                   leased, sendConfirmed, ackConfirmed, outOfOrder, afterAck>>

\* Memory is gone; the batch under way is on the disk or not, whole; attempts may be forgotten.
Crash ==
  /\ crashes < MaxCrashes
  /\ \E isWritten, hasAttempts \in BOOLEAN :
       /\ disk' = IF isWritten THEN DiskAfter ELSE disk
       /\ known' = IF isWritten THEN KnownAfter ELSE known
       /\ attempts' = IF hasAttempts THEN attempts ELSE [i \in Ids |-> 0]
  /\ boot' = boot + 1 /\ crashes' = crashes + 1
  /\ filling' = <<>> /\ writing' = <<>>
  /\ leases' = [i \in Ids |-> NoLease] /\ returned' = {}
  /\ cursor' = [p \in Priorities |-> 0]
  /\ UNCHANGED <<keyOf, tokens, sends, leased, sendConfirmed, ackAccepted, ackConfirmed, staleAck,
                 outOfOrder, afterAck>>

Next == (\E k \in Keys : Send(k)) \/ StartWrite \/ FinishWrite \/ Deliver \/ Expire \/ Ack \/ Nack \/ Crash
Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* A send that was confirmed is on the disk until somebody's acknowledgement was taken.
NoLostAck == \A i \in sendConfirmed : i \in disk \/ i \in ackAccepted

\* Only the holder of the lease that lives ends it, and what was confirmed as ended is not delivered.
NoStaleAckAccepted == ~staleAck /\ ~afterAck

\* Of what is there and not leased, the first by priority, then id, is delivered.
FifoWithinPriority == ~outOfOrder

\* One key makes one message.
OneMessagePerKey ==
  \A i, j \in disk \cup ackConfirmed : keyOf[i] = keyOf[j] => i = j
=============================================================================
