// RUN: pqc opt %s -p allocate-memory | filecheck %s
// RUN: pqc opt %s -p allocate-memory,insert-tokens | filecheck %s --check-prefix=TOKENS
// RUN: pqc opt %s -p allocate-memory,insert-tokens,insert-tokens | filecheck %s --check-prefix=TOKENS

// Constants lie at the start of DRAM, tensors behind them, all at multiples of 64. A tensor, and in a buffer of 128
// bytes a region, takes the place of one that is no longer needed.
// CHECK: %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> at 64 :
// CHECK: %y = pqa.tensor "y" kind 1 <?x64xsi8, 0.5> at 128 :
// CHECK: %a = pqa.allocate at 0 :
// CHECK: pqa.constant <"bytes", {{.*}}> at 0 : !pqa.region<dram, 8>
// CHECK: %table = pqa.allocate at 0 : !pqa.region<table, 8>
// CHECK: %b = pqa.allocate at 64 :
// CHECK: %first = pqa.tensor {{.*}} at 192 :
// CHECK: %c = pqa.allocate at 0 :
// CHECK: %second = pqa.tensor {{.*}} at 192 :
// CHECK: %d = pqa.allocate at 64 :

// Work waits for its operands, a load for the work on what lay in its place; what that implies needs no token. The
// next execution waits for the last store, in whose place it computes. Inserted again, the tokens are the same.
// TOKENS: ^bb0(%previous.store: !pqa.token):
// TOKENS: %load_a = pqa.load dram = %x, address = %a <{{[^>]*}}>
// TOKENS: %load_table = pqa.load {{[^>]*}}>
// TOKENS: %rescale_b = pqa.rescale {{[^>]*}}> after (%previous.store, %load_a)
// TOKENS: %store_first_b = pqa.store {{[^>]*}}> after (%rescale_b)
// TOKENS: %load_c = pqa.load dram = %first, address = %c <{{[^>]*}}> after (%store_first_b)
// TOKENS: %store_second_c = pqa.store {{[^>]*}}> after (%load_c)
// TOKENS: %load_d = pqa.load {{[^>]*}}> after (%store_second_c)
// TOKENS: %store_y_d = pqa.store {{[^>]*}}> after (%load_d)
// TOKENS: pqa.repeat %store_y_d : !pqa.token

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 0.125 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %y = pqa.tensor "y" kind 1 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %a = pqa.allocate : !pqa.region<activation, 64>
    %load_a = pqa.load dram = %x, address = %a <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %bytes = pqa.constant <"bytes", "91aec5e72018dd81"> : !pqa.region<dram, 8>
    %table = pqa.allocate : !pqa.region<table, 8>
    %load_table = pqa.load dram = %bytes, address = %table <item_bytes = 8, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %b = pqa.allocate : !pqa.region<activation, 64>
    %rescale_b = pqa.rescale source = %a, destination = %b <storage = 1, multiplier = 1, column_stride = 1, destination_storage = 1, planes = 1, rows = 1, columns = 64, low = -128, high = 127>
    %first = pqa.tensor "first" kind 2 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %store_first_b = pqa.store dram = %first, address = %b <item_bytes = 64, items = 1, rows = 1, planes = 1>
    %c = pqa.allocate : !pqa.region<activation, 64>
    %load_c = pqa.load dram = %first, address = %c <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %second = pqa.tensor "second" kind 2 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %store_second_c = pqa.store dram = %second, address = %c <item_bytes = 64, items = 1, rows = 1, planes = 1>
    %d = pqa.allocate : !pqa.region<activation, 64>
    %load_d = pqa.load dram = %second, address = %d <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %store_y_d = pqa.store dram = %y, address = %d <item_bytes = 64, items = 1, rows = 1, planes = 1>
  }
}
