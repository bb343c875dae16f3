/* The first code of an emulated Cortex-M board: the FPU, semihosting, then main. The memory starts as zeros. */
#include <stdint.h>
#include <stdlib.h>

extern uint32_t stack_top[];
extern void initialise_monitor_handles(void);
extern int main(void);
void reset(void);
void _init(void);
void _fini(void);

void _init(void) {}
void _fini(void) {}

static void fault(void)
{
    for (;;)
        ;
}

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: full access to the FPU */
    __asm volatile("dsb\n\tisb");
    initialise_monitor_handles();
    exit(main());
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault,
};
