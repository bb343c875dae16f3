/* Run a command and kill it before one of the system calls by which it writes a checkpoint.
 *
 *     kill_at_call FOLDER WRITING CALL LOG COMMAND...
 *
 * A writing begins when a file in FOLDER is opened to be created; the first is 1. It ends with the call after the
 * fsync of a folder, or after the removal of a file. CALL is a name and a number, such as fsync:2 for the second
 * fsync of the writing; WRITING 0 kills nothing. The kill comes before the call takes effect. LOG gets a line "writing
 * name" for each call, with the name "flushed" or "removed" for the call that ends a writing, and "killed" at the end
 * if it came to that.
 * Exit status: the command's, 128 + signal if it was killed, 125 if tracing is not allowed here.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h> /* after sys/ptrace.h, or their names clash */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct { long number; const char *name; } NAMES[] = {
    {SYS_openat, "openat"}, {SYS_write, "write"}, {SYS_writev, "writev"}, {SYS_pwrite64, "pwrite"},
    {SYS_fsync, "fsync"}, {SYS_fdatasync, "fdatasync"}, {SYS_close, "close"}, {SYS_fstat, "fstat"},
    {SYS_ftruncate, "ftruncate"}, {SYS_flock, "flock"}, {SYS_fchmod, "fchmod"}, {SYS_lseek, "lseek"},
    {SYS_renameat, "rename"}, {SYS_renameat2, "rename"}, {SYS_unlinkat, "unlink"}, {SYS_fcntl, "fcntl"},
    {SYS_faccessat, "access"}, {SYS_newfstatat, "stat"}, {SYS_mmap, "mmap"}, {SYS_munmap, "munmap"},
#ifdef SYS_rename
    {SYS_open, "open"}, {SYS_rename, "rename"}, {SYS_unlink, "unlink"}, {SYS_stat, "stat"}, {SYS_lstat, "stat"},
    {SYS_access, "access"}, {SYS_readlink, "readlink"},
#endif
};

static const char *folder;
static char wanted_name[32];
static long wanted_writing, wanted_number;
static FILE *log_file;

/* The writing in progress: its thread (0 = none), its calls of the wanted name, and how it has ended, if it has. */
static long writing;
static pid_t writer;
static long calls;
static const char *ended;

static const char *name_of(long number) {
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i].number == number) return NAMES[i].name;
    return "other";
}

static int creates_in_folder(pid_t thread, const struct ptrace_syscall_info *info) {
    unsigned long long address, flags;
    char path[4096] = {0};
    if (info->entry.nr == SYS_openat) {
        address = info->entry.args[1];
        flags = info->entry.args[2];
#ifdef SYS_open
    } else if (info->entry.nr == SYS_open) {
        address = info->entry.args[0];
        flags = info->entry.args[1];
#endif
    } else {
        return 0;
    }
    if (!(flags & O_CREAT)) return 0;
    /* In pieces, for the text may end right before a page that cannot be read. */
    for (size_t done = 0; done < sizeof path - 64; done += 16) {
        struct iovec here = {path + done, 16}, there = {(void *)(address + done), 16};
        ssize_t count = process_vm_readv(thread, &here, 1, &there, 1, 0);
        if (count <= 0 || memchr(path + done, 0, 16)) break;
    }
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

static int is_folder(pid_t thread, unsigned long long number) {
    char link[64];
    struct stat status;
    snprintf(link, sizeof link, "/proc/%d/fd/%llu", thread, number);
    return stat(link, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Whether the process is to be killed before this call. */
static int counts(pid_t thread, const struct ptrace_syscall_info *info) {
    if (creates_in_folder(thread, info)) {
        writing++;
        writer = thread;
        calls = 0;
        ended = NULL;
    }
    if (thread != writer) return 0;
    const char *name = ended ? ended : name_of(info->entry.nr);
    fprintf(log_file, "%ld %s\n", writing, name);
    if (ended) writer = 0;
    if (strcmp(name, "unlink") == 0) ended = "removed";
    if (info->entry.nr == SYS_fsync && is_folder(thread, info->entry.args[0])) ended = "flushed";
    calls += strcmp(name, wanted_name) == 0;
    return writing == wanted_writing && strcmp(name, wanted_name) == 0 && calls == wanted_number;
}

static int stopped(pid_t child, pid_t thread, int status) {
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
        struct ptrace_syscall_info info;
        if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) < 0) return 0;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY && counts(thread, &info)) {
            fprintf(log_file, "killed\n");
            kill(child, SIGKILL);
        }
        return 0;
    }
    /* Events of tracing and the first stop of a new thread are not the command's own signals. */
    return status >> 16 || signal == SIGSTOP || signal == SIGTRAP ? 0 : signal;
}

int main(int count, char **words) {
    if (count < 6) return 2;
    folder = words[1];
    wanted_writing = atol(words[2]);
    if (sscanf(words[3], "%31[a-z]:%ld", wanted_name, &wanted_number) != 2) return 2;
    log_file = fopen(words[4], "w");
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) _exit(125);
        raise(SIGSTOP);
        execvp(words[5], words + 5);
        _exit(127);
    }
    int status;
    if (!log_file || waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) return 125;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                   PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, options) < 0) return 125;
    ptrace(PTRACE_SYSCALL, child, 0, 0);
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0) return 125;
        if (WIFSTOPPED(status)) {
            ptrace(PTRACE_SYSCALL, thread, 0, stopped(child, thread, status));
        } else if (thread == child) {
            fclose(log_file);
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}
