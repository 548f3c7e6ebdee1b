// RUN: not pqc opt %s -p allocate-memory 2>&1 | filecheck %s

// Three regions of 64 bytes that live at the same time, in 128 bytes.
// CHECK: error: the activation buffer has 128 bytes

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 0.125 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  pqa.program "pqa" accumulator_bits 16 {
    %x = pqa.tensor "x" kind 0 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %y = pqa.tensor "y" kind 1 <?x64xsi8, 0.5> : !pqa.region<dram, 64>
    %a = pqa.allocate : !pqa.region<activation, 64>
    %b = pqa.allocate : !pqa.region<activation, 64>
    %c = pqa.allocate : !pqa.region<activation, 64>
    %load_a = pqa.load dram = %x, address = %a <item_bytes = 64, items = 1, rows = 1, planes = 1, entry_bits = 8>
    %rescale_b = pqa.rescale source = %a, destination = %b <storage = 1, multiplier = 1, column_stride = 1, destination_storage = 1, planes = 1, rows = 1, columns = 64, low = -128, high = 127>
    %rescale_c = pqa.rescale source = %b, destination = %c <storage = 1, multiplier = 1, column_stride = 1, destination_storage = 1, planes = 1, rows = 1, columns = 64, low = -128, high = 127>
    %again = pqa.rescale source = %a, destination = %c <storage = 1, multiplier = 1, column_stride = 1, destination_storage = 1, planes = 1, rows = 1, columns = 64, low = -128, high = 127>
    %store_y_c = pqa.store dram = %y, address = %c <item_bytes = 64, items = 1, rows = 1, planes = 1>
  }
}
