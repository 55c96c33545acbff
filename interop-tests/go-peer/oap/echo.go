package oap

import (
	"context"
	"fmt"
	"time"
)

// EchoApp is the app_proto_id of the service that every node serves.
const EchoApp = 1

// Echo is the service of section 12.3.
var Echo = Service{
	"echo":   {BodyInRecord: true, Run: echo},
	"stream": {TakesBody: true, Run: stream},
	"ticks":  {Check: checkTicks, Run: ticks},
	"work":   {Check: checkWork, Run: work},
}

func echo(ctx context.Context, c Caller) error {
	body, err := c.Next(ctx)
	if err != nil {
		return err
	}
	return c.Answer(body, true)
}

func stream(ctx context.Context, c Caller) error {
	for {
		bytes, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if err := c.Answer(bytes, bytes == nil); err != nil || bytes == nil {
			return err
		}
	}
}

func tickNumbers(header Object) (count, interval int64, err error) {
	if count, err = header.Integer("count", 1, 1_000_000, nil); err != nil {
		return
	}
	atOnce := int64(0)
	interval, err = header.Integer("interval_ms", 0, 60_000, &atOnce)
	return
}

func checkTicks(header Object) error {
	_, _, err := tickNumbers(header)
	return err
}

func ticks(ctx context.Context, c Caller) error {
	count, interval, err := tickNumbers(c.Header())
	if err != nil {
		return err
	}
	if err := c.Answer(nil, false); err != nil {
		return err
	}
	for n := range count {
		if n > 0 && interval > 0 {
			select {
			case <-time.After(time.Duration(interval) * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := c.Event(ctx, fmt.Appendf(nil, `{"n":%d}`, n)); err != nil {
			return err
		}
	}
	return c.Answer(nil, true)
}

func checkWork(header Object) error {
	_, err := header.Integer("ms", 0, 1000, nil)
	return err
}

func work(ctx context.Context, c Caller) error {
	ms, err := c.Header().Integer("ms", 0, 1000, nil)
	if err != nil {
		return err
	}
	for until := time.Now().Add(time.Duration(ms) * time.Millisecond); time.Now().Before(until) && ctx.Err() == nil; {
	}
	return c.Answer(fmt.Appendf(nil, `{"ms":%d}`, ms), true)
}
