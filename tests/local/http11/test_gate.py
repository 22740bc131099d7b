import threading

from local.http11.gate import Gate, watch


def test_a_gate_lets_every_thread_through_once_it_is_open() -> None:
    gate, passed = Gate(), threading.Semaphore(0)

    def wait() -> None:
        watch(gate).poll()
        passed.release()

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not passed.acquire(blocking=False)

    gate.open()
    for thread in threads:
        thread.join()

    assert passed.acquire(blocking=False)
    assert watch(gate).poll(0)
    gate.close()


def test_a_gate_may_be_opened_and_closed_twice() -> None:
    gate = Gate()

    for _ in range(2):
        gate.open()
    for _ in range(2):
        gate.close()

    assert gate.opened
