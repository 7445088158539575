/** Every bound and default of the library, with its unit in the name and the reason beside it. */

/**
 * Arguments and results up to this size travel inside a frame; larger ones go on a port of their
 * own.
 */
export const inlineBytesMax = 32 * 1024
/** An ArrayBuffer of this size is copied once, beside what the serializer writes. */
export const bulkBytesMin = 16 * 1024
/** A stored value up to this size lies in the hub's own memory; a larger one in a shared buffer. */
export const storedInlineBytesMax = 64 * 1024
/**
 * A single value may not be larger: the codec's own offsets end at 2 GiB, and so many bytes are a
 * mistake.
 */
export const valueBytesMax = 1024 * 1024 * 1024
/** Nesting of a value: deeper ones would overflow the stack of whoever walks them. */
export const valueDepthMax = 1000
/** Causes of causes that an error keeps on its way. */
export const errorCauseDepthMax = 8
/** Characters of a name of a store, a field, a lock or a routine. */
export const nameLengthMax = 1024
/** Routines that one thread may hold at a time: begun, parked or assigned to it in advance. */
export const slotsPerThreadMax = 1024
/**
 * Routines assigned to a running thread in advance: enough to fill a message, few enough to take
 * back.
 */
export const windowMax = 128
/** An answer to a blocking call up to this size needs no message. */
export const letterBytesMax = 4096
/** Threads of one node, blocked ones included: each costs some 5 MB. */
export const threadsCeiling = 512
/** A thread beyond `threads` that has had nothing to do for so long is ended. */
export const threadIdleMs = 10_000
/**
 * Threads lost one after another before they opened: then something is wrong with every one of
 * them.
 */
export const threadStartFailuresMax = 3
/**
 * Loads of a word before a blocking call goes to sleep: about 6 µs, what a sleep and a wake-up
 * cost.
 */
export const blockingSpins = 2000
/** A blocked thread looks at the hub's pulse so often. */
export const pulseLookMs = 200
/** The hub beats so often. */
export const beatMs = 50
/** When a hub has not beaten for so long, a blocked thread looks whether its thread is there. */
export const silenceMs = 1_000
/**
 * Where the system does not tell which threads there are, a hub that has not beaten for so long is
 * taken for dead. On a machine at ten times its load, hubs were silent for 5 s.
 */
export const beatPatienceMs = 30_000
/** Time a cancelled routine has to stop by itself, unless `graceMs` says otherwise. */
export const graceMsDefault = 1_000
/** Time `shutdown` gives to what still runs, unless `graceMs` says otherwise. */
export const shutdownGraceMsDefault = 5_000
/** Values of a generator that are under way before its consumer has asked for more. */
export const streamCredit = 16
/** Messages of one frame; more mean a broken or hostile peer. */
export const frameMessagesMax = 1_000_000
/** Attempts of one routine. */
export const attemptsMax = 100
/** Routines waiting in one hub: their arguments are in memory. */
export const queuedRoutinesMax = 5_000_000
/** The ring from a thread to its hub, a power of two: what does not fit goes through the port. */
export const ringCapacityBytes = 128 * 1024
/**
 * Objects of a strict store at one master. They are never dropped: their version counters must live
 * on.
 */
export const strictObjectsMax = 1024 * 1024
/**
 * Fields of one strict object, and names that its `init` calls have named: `entries` walks them in
 * one step.
 */
export const strictFieldsMax = 1024 * 1024
/** Calls that wait for fields of one strict object: one write may answer them all in one step. */
export const strictWaitsMax = 64 * 1024
/** Locks that are held at one time at one master. */
export const locksMax = 1024 * 1024
/** Calls in the queue of one lock: a longer one is a mistake that would show as memory alone. */
export const lockQueueMax = 64 * 1024
/**
 * Routine ids of one client are counted from its number times this, and begin anew at the end:
 * unique in the cluster, and exact in a double (10 bits of place, 13 of client, 30 of routine).
 */
export const routinesPerClient = 2 ** 30
/** Clients of one node are numbered from its place in the cluster times this. */
export const clientsPerNode = 2 ** 13
/** Places of one application: each node takes one, and another each time it comes back. */
export const placesMax = 2 ** 10
/**
 * The hub works through messages for so long before it lets timers and new threads have their turn.
 */
export const turnMsMax = 5
/**
 * Threads of one node before parked routines share them: fork-join of depth 12 needs some two
 * dozen.
 */
export const threadsMaxDefault = 32
/** Decoded values that one handle keeps in one thread. */
export const decodedFieldsMax = 4096
/** A delay that a timer can take, in milliseconds. */
export const timerMsMax = 2 ** 31 - 1
/** How soon, and how seldom at last, the hub looks whether a blocked call can still be answered. */
export const stallLookMsMin = 20
export const stallLookMsMax = 250
/** A silence of threads that say they wait for the hub alone has to last so long to be believed. */
export const stallPatienceMs = 2_000
/** A thread that waits for so many routines is sent results in batches. */
export const burstRoutines = 8
/** Results of so long a time, in milliseconds, go together in a batch. */
export const burstGapMs = 0.3
/** A thread looks at a word for so long before it sleeps, in microseconds, while that pays off. */
export const spinMicrosMax = 100
/**
 * How long no thread looks before it sleeps, once looking was seen to gain nothing, in
 * milliseconds.
 */
export const spinMutedMsMin = 20
export const spinMutedMsMax = 200
/** Messages the hub takes from one thread before it looks at the others. */
export const drainMessagesMax = 256

// Of a node's processes. Times in milliseconds.

/** A node process that crashed is started again after so long, twice as long each time, at most. */
export const restartMsMin = 100
export const restartMsMax = 5_000
/** One that lived for so long did not crash because of how it was started. */
export const restartForgetMs = 10_000
/** Starts in a row that may fail before the node has ever listened, and after it has. */
export const startFailuresMax = 3
export const restartFailuresMax = 10
/** A node process that is asked to end has so long; then it is killed. */
export const nodeStopMs = 5_000
/** The same where the spawner waits for it. */
export const localStopMs = 2_000
/** Characters of a line with credentials: certificates have some thousand each. */
export const credentialsLineMax = 1024 * 1024
/** Characters of what a failed launch wrote that its error shows. */
export const launchTailMax = 2_000

// Of a cluster. Times in milliseconds.

/** A node that is not heard of for so long is lost, unless `nodeTimeoutMs` says otherwise. */
export const nodeTimeoutMsDefault = 5_000
/** A link that breaks for less comes back as if nothing had been, unless `linkGraceMs` says so. */
export const linkGraceMsDefault = 2_000
/**
 * A node that its locks' master does not hear of for so long loses them: as long as
 * `nodeTimeoutMs`, unless `sessionMs` says otherwise, so that no node that stays loses any.
 */
export const sessionMsDefault = nodeTimeoutMsDefault
/** Both ends of a link speak the same version of it. */
export const linkProtocol = 1
/** Nodes of one cluster file: each is linked to each other one. */
export const clusterNodesMax = 256
/** A node that is not up after so long is not there, unless `startTimeoutMs` says otherwise. */
export const startTimeoutMsDefault = 20_000
/** A shorter secret could be guessed from what the handshake shows. */
export const secretBytesMin = 16
/** Routine ids of one node are counted from its place times this. */
export const routinesPerNode = routinesPerClient * clientsPerNode
/**
 * Refs of one node are counted from its place times this, and begin anew at the end: a ref would
 * have to live as long as so many others are put.
 */
export const refsPerNode = 2 ** 32
/** A node is sent routines in advance for so many milliseconds of work. */
export const aheadMs = 5
/** What was sent to a busy node so long ago is asked for when another has nothing to do. */
export const recallAfterMs = 5
/** Threads that have had nothing to do for so long are told of. */
export const idleAfterMs = 2
/** Functions, and terms, that a hub has told another of and may need again. */
export const numbersKeptMax = 1024
/** Files of one application's code: as many as a large node_modules folder has. */
export const codeFilesMax = 200_000
/** A file of the code or its assets: it is in memory whole, here and there. */
export const codeFileBytesMax = 256 * 1024 * 1024
/** Files of a package that is sent whole, because what it loads cannot be told from its text. */
export const packageFilesMax = 2_000
/** Bundles that a node keeps however old they are. */
export const codeBundlesKept = 8
/** Code that nobody has used for so long is removed from a node. */
export const codeAgeMsMax = 7 * 24 * 60 * 60 * 1000
/** The port of a node that names none. */
export const portDefault = 9060
/**
 * Replies that one client has not said to have taken: as many as a program may have under way at
 * once.
 */
export const storedRepliesMax = 1024 * 1024
/** Replies taken before a client says so by a message of its own, if no request of it did. */
export const repliesUntoldMax = 256
/** How much faster or slower than true time a clock may run: crystals stay below a 1000th. */
export const clockDriftMax = 0.01
/**
 * The clock on the wall and the one that leases are measured by may drift apart so far between two
 * looks: more means that the machine was suspended, or set right.
 */
export const clockJumpMsMax = 250
/** Renewals of a lease that are under way: more are older than any lease. */
export const renewalsMax = 16
/** The same of a session of locks, which is kept each third of its time. */
export const keepsMax = 4
/** Lost locks that a thread is told of before it has taken the grant. */
export const earlyLossesMax = 1024

// Of a link over TCP. Times in milliseconds.

/** What a flush makes is cut into frames of this size. */
export const frameBytesMax = 1024 * 1024
/**
 * Large values go in pieces of this size: a lock grant waits for one of them at most. With the
 * header and net-ipc's tag, a piece is eight whole records of TLS, and lies in as many at its end.
 */
export const pieceBytes = 128 * 1024 - 27
/** A piece that is accepted, so that `pieceBytes` may change. */
export const pieceBytesMax = 1024 * 1024
/** No piece is made while so much has not been acknowledged; what is small goes on. */
export const unacknowledgedBytesMax = 8 * 1024 * 1024
/** Large values of one link that are under assembly, or wait for their message. */
export const valuesUnderWayBytesMax = 4 * valueBytesMax
/** Nothing is handed to a connection that has so much to write: what is urgent overtakes it. */
export const writeAheadBytes = 512 * 1024
/** So much is acknowledged at once, anything else within `acknowledgeMs`. */
export const acknowledgeBytes = 2 * 1024 * 1024
export const acknowledgeMs = 20
/**
 * How often a link that waits for an acknowledgement looks whether anything comes; after so many
 * looks without, it asks, and then takes the connection for broken: well within the grace time.
 */
export const linkLookMs = 200
export const linkLooksToAsk = 2
export const linkLooksMax = 4
/** Between two attempts to connect, at first and at last. */
export const redialMsMin = 10
export const redialMsMax = 250
/** One attempt to connect anew. */
export const redialAttemptMs = 1_000
/** Attempts to connect anew that may be under way, begun one after the other in that time. */
export const redialAttempts = 5
/** What is said before there is a link, in bytes, and how long it may take. */
export const openingBytesMax = 8 * 1024
export const openingMsMax = 3_000
/** Connections that have not shown yet who they are; the oldest makes room for the next. */
export const strangersMax = 256
/** What strangers do is told so often, for each kind. */
export const strangerWarningMs = 10_000
/** A connection whose link is over may take so long to send its last bytes. */
export const lingerMs = 1_000
/** What a thread may have printed at another node before it waits for it to be written. */
export const outputWindowBytes = 256 * 1024
/** Output travels in pieces of this size. */
export const outputPieceBytes = 16 * 1024
/** A line that is longer is written in parts. */
export const outputLineBytesMax = 64 * 1024
/** How soon, and how seldom at last, a node that was lost is looked for. */
export const returnMsMin = 1_000
export const returnMsMax = 10_000
/**
 * Locks of other masters whose tokens one master of objects has seen. Their tokens are never
 * forgotten: an old one would be taken for new.
 */
export const foreignLocksMax = 1024 * 1024
/** How long a program that ends waits for its output to be written, and for its nodes to hear. */
export const farewellMs = 1_000
/** Who has a node's link has to say so soon what it wants, in milliseconds. */
export const claimMsMax = 5_000

// Of the checker.

/**
 * Steps of its searches together: some seconds, and some hundred megabytes of memo at worst. What
 * is not decided by then is unknown.
 */
export const checkStepsMax = 5_000_000
/** Nothing but steps ends a check, so that its answer is the same on each machine. */
export const checkMsMax = Number.POSITIVE_INFINITY

// Of objects that each node has a copy of.

/** Updates of one node that are on their way to their homes: each is in memory, here and there. */
export const updatesUnderWayMax = 64 * 1024
/** Calls of one node that wait for a copy to become valid, or to change. */
export const parkedReadsMax = 1024 * 1024
/** Messages that came before the view they belong to: more than all nodes can have under way. */
export const heldMessagesMax = 2 * clusterNodesMax * updatesUnderWayMax
/** Locks that a node serves, and has told its replicas of: beyond, the oldest are forgotten. */
export const servedLocksKept = 256 * 1024
/** Updates of one object in one epoch: stamps stay exact in a double, for 2^13 epochs. */
export const updatesPerEpoch = 2 ** 40

// Of replicas in shared memory.

/** Values are kept in pieces of shared memory of this size, a power of two. */
export const segmentBytes = 1024 * 1024
/** Segments of one node, 16 GiB: what finds no room is read by message. */
export const segmentsMax = 2 ** 14
/** An encoded value that is larger is read by message. */
export const replicaValueBytesMax = 64 * 1024
/** The first block of an object's directory of cells; each is twice the last, up to the second. */
export const directoryBytesMin = 1024
export const directoryBytesMax = 256 * 1024
/** An object that has more cells of deleted fields than this, and than others, is moved. */
export const absentCellsMax = 1000
/** Objects that threads of one node read by themselves: those beyond are read by message. */
export const publishedObjectsMax = 64 * 1024
/** Memory is looked through for reuse after so many values were replaced, or so many bytes. */
export const retiredRecordsMax = 64
export const retiredBytesMax = 256 * 1024
/** A reader that lags so many epochs behind stops their count, so that it never laps it. */
export const epochsBehindMax = 2 ** 30
/** Changes that a reader lets come between before it asks the hub. */
export const replicaAttemptsMax = 8

// Of `Weak` objects.

/**
 * Updates of one node that some member has not acknowledged, and their bytes: then writes wait. The
 * others keep them as well, so that what a lost node sent to some only comes to all.
 */
export const weakWindowUpdates = 8192
export const weakWindowBytes = 64 * 1024 * 1024
/** So many updates, or bytes, are acknowledged at once; fewer only when they are asked for. */
export const weakAcknowledgeUpdates = 128
export const weakAcknowledgeBytes = 1024 * 1024
/** Requests of one node that wait for room in the window, or for the state; `sync` and `fence`. */
export const weakQueueMax = 64 * 1024
/** Objects, and fields of one object, deleted ones included: these keep their stamps. */
export const weakObjectsMax = 1024 * 1024
export const weakFieldsMax = 1024 * 1024
/**
 * Writes of a thread that want no answer and that its hub has not taken; the next one waits. So
 * many of a usual size lie in the ring together: what does not goes by the port, and costs more.
 */
export const oneWayWritesMax = 2048
/** Calls that wait for fields of one object at one node. */
export const weakWaitsMax = 64 * 1024
/** Fields that go to a member that joined in one message. */
export const weakStateRows = 4096

// Of `UpdateOnRelease` objects.

/**
 * Fields that are written under the lock before it is released, and the bytes of their values: they
 * are in the memory of the thread, and each node applies them in one step.
 */
export const sectionFieldsMax = 256 * 1024
export const sectionBytesMax = valueBytesMax

// Of `map`.

/** Items of a chunk: more gain nothing, and would keep others from their share. */
export const mapChunkItemsMax = 8192
/** Bytes of a chunk's items, by a rough count: it is in memory whole, here and there. */
export const mapChunkBytesMax = 1024 * 1024
/** Milliseconds of work that a chunk is to be, and that one near the end is to be at least. */
export const mapChunkMs = 5
export const mapChunkMsMin = 0.5
/** A chunk is at most so many times as large as one that is known to have been small enough. */
export const mapChunkGrowth = 8
/** A chunk of items that come slowly is sent after so long, in milliseconds, though not full. */
export const mapFillMs = 2
/** Chunks under way at a time. */
export const mapConcurrencyMax = 64 * 1024
/** Chunks under way for each thread: one that runs and one that is there when it ends. */
export const mapChunksPerThread = 2
/** Chunks drawn and not yet read by who iterates, for each one that may be under way. */
export const mapAheadFactor = 2
/** Errors that are collected: with one more the map stops. */
export const mapErrorsMax = 64 * 1024
/** A chunk lags when it takes so many times as long as others, and this in milliseconds. */
export const mapHedgeFactor = 3
export const mapHedgeMsMin = 50

// Of histories.

/** A value whose JSON is longer is shown in a history by its beginning and a hash. */
export const historyValueCharactersMax = 256
/**
 * So much may two clocks drift apart, in parts of one: each of them may be slowed or hurried by 500
 * millionths while it is set right.
 */
export const clockApartMax = 0.001
/** How often a node of another machine compares its clock with the spawner's. */
export const historyClockMs = 1_000
/** How long a node keeps what it recorded and no spawner has fetched. */
export const historyKeptMs = 7 * 24 * 3600 * 1000
/** A program that ends waits so long for what its nodes have recorded. */
export const historyFetchMs = 30_000
/** Locks of which a machine of a replicated store is told late, at its next input. */
export const lockNewsMax = 1024
